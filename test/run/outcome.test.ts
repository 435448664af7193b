import { expect, test } from "bun:test";
import { add, failed, judge, nothing, passed } from "./outcome.ts";

test("outcomes add up", () => {
  const sum = add(passed(3), failed("a > b"), { ...nothing, skipped: ["c"] });
  expect(sum).toEqual({ passed: 3, failed: 1, failures: ["a > b"], skipped: ["c"] });
});

test("a suite that ends badly without a failing test has failed", () => {
  expect(judge("unit", passed(7), 1)).toMatchObject({ passed: 7, failed: 1 });
  expect(judge("unit", passed(7), 134).failures[0]).toContain("134");
});

test("a suite that ends badly with a failing test is not counted twice", () => {
  expect(judge("unit", add(passed(7), failed("x")), 1).failed).toBe(1);
});

test("a suite that ends well keeps its count", () => {
  expect(judge("unit", passed(7), 0)).toEqual(passed(7));
});
