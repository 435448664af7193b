import { expect, test } from "bun:test";
import { QUALITY_ISSUES, type QualityIssue } from "./image.ts";
import { fallbackRetakeMessage, retakeMessage } from "./retake.ts";

const low = (unknown: boolean, ...issues: QualityIssue[]) => retakeMessage("LOW", { unknown, issues })!;

test("only LOW asks for another photograph", () => {
  for (const status of ["HIGH", "MEDIUM"] as const) {
    expect(retakeMessage(status, { unknown: true, issues: [...QUALITY_ISSUES] })).toBeNull();
  }
});

test("each issue is named with what to do about it", () => {
  expect(low(false, "too_dark")).toContain("too dark");
  expect(low(false, "too_bright")).toContain("too bright");
  expect(low(false, "blurred")).toContain("blurred");
  expect(low(false, "too_small")).toContain("too small");
  for (const issue of QUALITY_ISSUES) expect(low(false, issue)).toMatch(/: .+\.$/);
});

test("something unknown is said to be so, after what is wrong with the photograph", () => {
  expect(low(true)).toContain("not something this model knows");
  const both = low(true, "blurred");
  expect(both.indexOf("blurred")).toBeLessThan(both.indexOf("not something this model knows"));
  expect(low(false, "blurred")).not.toContain("not something this model knows");
});

test("several issues come once each, in one order whatever the order they came in", () => {
  expect(low(false, "too_small", "too_dark", "too_small")).toBe(low(false, "too_dark", "too_small"));
});

test("with nothing wrong but doubt there is still advice", () => {
  expect(low(false)).toContain("not sure");
  expect(fallbackRetakeMessage()).toContain("again");
});
