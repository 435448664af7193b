import { expect, test } from "bun:test";
import { add, failed, nothing, passed } from "./outcome.ts";
import { closingText, type Entry, total } from "./report.ts";

const entry = (step: string, outcome: Entry["outcome"]): Entry => ({ step, outcome, seconds: 1.25 });
const lacking = { what: "k6 v1.8.1", howToGet: "go install it" };

test("the last line is the plain sum", () => {
  const text = closingText(
    [entry("types", passed()), entry("unit", add(passed(40), failed("a > b")))],
    false,
  );
  expect(text.split("\n").at(-1)).toBe("41 passed, 1 failed");
  expect(text).toContain("  a > b");
});

test("what is missing is named, with how to get it, and fails only where all is required", () => {
  const entries = [entry("unit", passed(40)), entry("load smoke", lacking), entry("load soak", lacking)];
  const text = closingText(entries, false);
  expect(text.split("k6 v1.8.1: go install it")).toHaveLength(2);
  expect(text).toEndWith("\n40 passed, 0 failed");
  expect(closingText(entries, true)).toEndWith("\n40 passed, 2 failed");
});

test("what was skipped is named, and fails only where all is required", () => {
  const entries = [entry("unit", { ...nothing, passed: 2, skipped: ["a > later"] })];
  expect(total(entries, false)).toMatchObject({ passed: 2, failed: 0 });
  expect(closingText(entries, false)).toContain("Skipped:\n  a > later");
  expect(total(entries, true)).toMatchObject({ passed: 2, failed: 1 });
});
