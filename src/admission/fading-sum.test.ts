import { expect, test } from "bun:test";
import { FadingSum } from "./fading-sum.ts";

test("what was added fades, each part from its own instant", () => {
  const sum = new FadingSum();
  expect(sum.at(5000)).toBe(0);
  sum.add(100, 5000);
  expect(sum.at(5000)).toBe(100);
  expect(sum.at(6000)).toBeCloseTo(100 / Math.E, 9);
  sum.add(50, 6000);
  expect(sum.at(8000)).toBeCloseTo(100 / Math.E ** 3 + 50 / Math.E ** 2, 9);
});
