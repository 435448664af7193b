import { expect, test } from "bun:test";
import { cellKey, cellsOf, FULL_SCOPE, type Kind, MODEL_NAMES, QUICK_SCOPE } from "./plan.ts";

test("the whole plan holds every model, photograph, kind and number of connections once", () => {
  const cells = MODEL_NAMES.flatMap((model) => cellsOf(model, FULL_SCOPE));
  const count = (kind: Kind) => cells.filter((cell) => cell.kind === kind).length;
  expect(new Set(cells.map(cellKey)).size).toBe(cells.length);
  expect(count("bare")).toBe(4 * 3);
  for (const kind of ["raw", "multipart", "hits"] as const) expect(count(kind)).toBe(4 * 3 * 3);
  expect([count("steady"), count("live")]).toEqual([1, 1]);
});

test("five rounds of the whole plan leave a quarter of a quarter of an hour for all that is not measuring", () => {
  const cells = MODEL_NAMES.flatMap((model) => cellsOf(model, FULL_SCOPE));
  expect(cells.reduce((sum, { seconds }) => sum + 5 * seconds, 0)).toBeLessThan(0.75 * 15 * 60);
});

test("the quick plan is what is promised of it, and short", () => {
  const cells = cellsOf("mobilenet_v3_small", QUICK_SCOPE);
  expect(cells.map(cellKey)).toEqual([
    "mobilenet_v3_small 256x256 bare 0",
    "mobilenet_v3_small 256x256 raw 16",
    "mobilenet_v3_small 256x256 multipart 16",
    "mobilenet_v3_small 256x256 hits 16",
  ]);
  expect(cells.reduce((sum, { seconds }) => sum + 5 * seconds, 0)).toBeLessThan(25);
});

test("the seconds of the options are those of every cell", () => {
  const cells = cellsOf("resnet50", { ...FULL_SCOPE, seconds: 0.3 });
  expect(new Set(cells.map(({ seconds }) => seconds))).toEqual(new Set([0.3]));
});

test("without 16 connections nothing is measured that rests on them", () => {
  const cells = cellsOf("mobilenet_v3_small", { ...FULL_SCOPE, connections: [1] });
  expect(cells.map(({ kind }) => kind)).not.toContain("steady");
});
