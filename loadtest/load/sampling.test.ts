import { expect, test } from "bun:test";
import { sampleAt } from "./report.fixture.ts";
import { whileLoaded } from "./sampling.ts";

test("what was read before the load began, or after it, is no part of the run", () => {
  const read = [0, 2, 3, 12, 13].map((second) => sampleAt(second, 200));
  expect(whileLoaded(read, 2, 10).map(({ second }) => second)).toEqual([0, 1, 10]);
});
