import { expect, test } from "bun:test";
import { segmentArguments } from "./k6-run.ts";

test.each([
  [1, 2, "0:1/2", "0,1/2,1"],
  [2, 2, "1/2:1", "0,1/2,1"],
  [2, 3, "1/3:2/3", "0,1/3,2/3,1"],
  [1, 1, "0:1", "0,1"],
])("part %d of %d is k6's %s", (part, parts, segment, sequence) => {
  expect(segmentArguments({ part, parts })).toEqual([
    "--execution-segment",
    segment,
    "--execution-segment-sequence",
    sequence,
  ]);
});

test("alone, there are no segments", () => {
  expect(segmentArguments(undefined)).toEqual([]);
});
