import { expect, test } from "bun:test";
import type { Answers } from "./k6-client.ts";
import type { Figures } from "./measure.ts";
import { demands, readmeTable, STRICT, terminalText } from "./report.ts";

const answers = (p95: number, more: Partial<Answers> = {}): Answers => ({
  served: 100,
  refused: 0,
  wrong: 0,
  latencyMs: { med: p95 / 2, p95, p99: p95, max: p95 },
  ...more,
});

const GOOD: Figures = {
  capacityPerSecond: 30,
  quietPerSecond: 7.5,
  noisyPerSecond: 300,
  quiet: { alone: answers(100), flood: answers(150), slow: answers(90) },
  flood: answers(0, { served: 20, refused: 80, latencyMs: null }),
  floodPerSecond: 290,
  slow: { "200": 3, "503": 4 },
};

const missed = (figures: Figures) =>
  demands(figures, STRICT)
    .filter(({ met }) => !met)
    .map(({ what }) => what);

test("at its bounds everything is met", () => {
  expect(missed(GOOD)).toEqual([]);
  expect(terminalText(GOOD, demands(GOOD, STRICT))).not.toContain("MISS");
});

test("each thing that is missed is named", () => {
  const flood = "beside a client at 20 times its share";
  const withFlood = (of: Answers) => ({ ...GOOD, quiet: { ...GOOD.quiet, flood: of } });
  expect(missed(withFlood(answers(151)))).toEqual([`p95, times that alone: ${flood}`]);
  expect(missed(withFlood(answers(100, { served: 98, refused: 2 })))).toEqual([`200, share: ${flood}`]);
  expect(missed(withFlood(answers(100, { served: 98, wrong: 2 })))).toEqual([`200, share: ${flood}`]);
  // Nothing was answered, or nothing was asked: neither is a success.
  expect(missed(withFlood(answers(0, { served: 0, refused: 9, latencyMs: null })))).toHaveLength(2);
  expect(missed(withFlood(answers(0, { served: 0, latencyMs: null })))).toHaveLength(2);
  expect(missed({ ...GOOD, floodPerSecond: 200 })).toEqual(["asked by the flood, of 20 times its share"]);
  // A flood that is served is no flood.
  expect(missed({ ...GOOD, flood: answers(0, { refused: 0 }) })).toEqual(["refused of the flood, share"]);
});

test("the table has a row for each phase", () => {
  expect(readmeTable(GOOD).match(/^\| (alone|beside) ?.*%/gm)).toHaveLength(3);
});
