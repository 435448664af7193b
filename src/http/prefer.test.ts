import { expect, test } from "bun:test";
import { asksStrict } from "./prefer.ts";

test.each([
  [null, false],
  ["", false],
  ["handling=strict", true],
  ["Handling = Strict", true],
  ['handling="strict"', true],
  ['handling="str\\ict"', true],
  ["handling=lenient", false],
  ["handling", false],
  ["respond-async, handling=strict; foo=bar, wait=10", true],
  ["handling=lenient, handling=strict", false],
  ["handling=strict, handling=lenient", true],
  ['x="a, handling=strict"', false],
  ['x="a\\", handling=strict"', false],
  ['x="a", handling=strict', true],
  ["x; handling=strict", false],
  ["handling=strictly", false],
  ['handling="strict', false],
  [",,;=,", false],
])("%p: %p", (prefer, strict) => {
  expect(asksStrict(prefer)).toBe(strict);
});
