import { expect, test } from "bun:test";
import { QUALITY_ISSUES, type QualityIssue } from "./image.ts";
import { fallbackRetakeMessage, retakeMessage } from "./retake.ts";

const low = (unknown: boolean, ...issues: QualityIssue[]) =>
  retakeMessage({ unknown, strangers: [], sent: 1, issues });

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

test("photographs that are strangers among others are named, with what to do", () => {
  const among = (...strangers: number[]) => retakeMessage({ unknown: true, strangers, sent: 5, issues: [] });
  expect(among(2)).toStartWith("Photograph 2 of 5 looks like it is not something this model knows");
  expect(among(2, 3, 5)).toStartWith("Photographs 2, 3, and 5 of 5 look like they are not");
  for (const message of [among(2), among(2, 3)]) expect(message).toContain("send the others without");
});

test("several issues come once each, in one order whatever the order they came in", () => {
  expect(low(false, "too_small", "too_dark", "too_small")).toBe(low(false, "too_dark", "too_small"));
});

test("with nothing wrong but doubt there is still advice", () => {
  expect(low(false)).toContain("not sure");
  expect(fallbackRetakeMessage()).toContain("again");
});
