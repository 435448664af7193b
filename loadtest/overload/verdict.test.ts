import { describe, expect, test } from "bun:test";
import type { ScenarioFigures } from "./k6-run.ts";
import type { OverloadFigures } from "./measure.ts";
import { readmeTable, terminalText } from "./report.ts";
import { demands, LOOSE, STRICT } from "./verdict.ts";

const times = (p99: number) => ({ med: p99 / 2, p95: p99, p99, max: p99 });

const scenario = (figures: Partial<ScenarioFigures> = {}): ScenarioFigures => ({
  served: 100,
  inTime: 95,
  refused: 0,
  wrong: 0,
  fallback: 0,
  noRetryAfter: 0,
  servedMs: times(80),
  refusedMs: null,
  generatorCores: 0,
  ...figures,
});

const OVERLOADED = { refused: 900, servedMs: times(1150), refusedMs: times(3), generatorCores: 0.149 };

function figuresOf(
  overload: Partial<ScenarioFigures> = {},
  more: Partial<OverloadFigures> = {},
): OverloadFigures {
  return {
    workers: 2,
    unloadedMs: times(80),
    peaks: [{ clients: 4, perSecond: 30 }],
    peak: { clients: 4, perSecond: 30 },
    offeredPerSecond: 300,
    goodputPerSecond: 27,
    overload: scenario({ ...OVERLOADED, ...overload }),
    recovered: scenario({ servedMs: times(99) }),
    server: {
      workers: 2,
      inFlightLimit: 4,
      gradient: 0.5,
      queueLimit: 20,
      queueWaitMs: 1000,
      cpuSeconds: 1,
    },
    ...more,
  };
}

const missed = (figures: OverloadFigures, bounds = STRICT) =>
  demands(figures, bounds)
    .filter(({ met }) => !met)
    .map(({ what }) => what);

describe("what is asked of an overloaded server", () => {
  test("all is met, just so", () => {
    expect(missed(figuresOf())).toEqual([]);
  });

  test("too little goodput; less counts where others use the machine", () => {
    const figures = figuresOf({}, { goodputPerSecond: 26.9 });
    expect(missed(figures)).toEqual(["goodput, share of the peak"]);
    expect(missed(figures, LOOSE)).toEqual([]);
    expect(missed(figuresOf({}, { goodputPerSecond: 20.9 }), LOOSE)).toEqual(["goodput, share of the peak"]);
  });

  test("a p99 past twice the unloaded one and the longest wait, or none at all", () => {
    expect(missed(figuresOf({ servedMs: times(1161) }))).toEqual(["p99 of the served, ms"]);
    expect(missed(figuresOf({ servedMs: null }))).toEqual(["p99 of the served, ms"]);
    expect(missed(figuresOf({ servedMs: times(1161) }), LOOSE)).toEqual([]);
  });

  test("each wrong answer", () => {
    for (const bounds of [STRICT, LOOSE]) {
      expect(missed(figuresOf({ wrong: 1 }), bounds)).toEqual(["answers that are neither 200 nor 503"]);
      expect(missed(figuresOf({ fallback: 1 }), bounds)).toEqual(["fallback answers"]);
      expect(missed(figuresOf({ noRetryAfter: 1 }), bounds)).toEqual(["503 without Retry-After"]);
      expect(missed(figuresOf({}, { recovered: scenario({ refused: 1 }) }), bounds)).toEqual([
        "503 from 2 s after the end on",
      ]);
    }
  });

  test("an overload that was none, or whose generator took the server's cores", () => {
    expect(missed(figuresOf({ refused: 0 }))).toEqual(["503 while overloaded"]);
    expect(missed(figuresOf({}, { offeredPerSecond: 250 }))).toEqual(["asked, times the peak"]);
    expect(missed(figuresOf({ generatorCores: 0.16 }))).toEqual(["load generator, cores"]);
  });

  test("not as fast as before, two seconds after", () => {
    expect(missed(figuresOf({}, { recovered: scenario({ servedMs: times(101) }) }))).toEqual([
      "p99 from 2 s after the end on, ms",
    ]);
  });
});

test("the table says what was answered", () => {
  expect(readmeTable(figuresOf())).toContain("| answered with 200 | 27.0 | 575 | 1150 |");
});

test("people are told each demand, and which is not met", () => {
  const figures = figuresOf({ wrong: 2 });
  const text = terminalText(figures, demands(figures, STRICT));
  expect(text).toContain("MISS  answers that are neither 200 nor 503");
  expect(text.match(/^ok /gm)?.length).toBe(10);
});
