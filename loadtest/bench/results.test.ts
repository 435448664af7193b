import { describe, expect, test } from "bun:test";
import type { Cell, Kind } from "./plan.ts";
import { cellResult, Results, type Sample } from "./results.ts";

const sample = (overrides: Partial<Sample> = {}): Sample => ({
  cpuMs: 2,
  perSecond: 500,
  p50Ms: 10,
  p95Ms: 15,
  p99Ms: 20,
  residentMb: 100,
  generatorCores: 0.1,
  answers: 500,
  failures: {},
  ...overrides,
});

const cell = (kind: Kind, connections = 16): Cell => ({
  model: "mobilenet_v3_small",
  photograph: "256x256",
  kind,
  connections: kind === "bare" ? 0 : connections,
  seconds: 1,
});

describe("a cell", () => {
  test("has the medians of its rounds and the sum of their failures", () => {
    const { median } = cellResult(cell("raw"), [
      sample({ cpuMs: 1, failures: { 503: 2 } }),
      sample({ cpuMs: 9, p99Ms: 70, failures: { fallback: 1, 503: 1 } }),
      sample({ cpuMs: 3, p99Ms: 30 }),
    ]);
    expect(median).toMatchObject({ cpuMs: 3, p99Ms: 30, failures: { 503: 3, fallback: 1 } });
  });

  test("has no figure where no round has one", () => {
    const { median } = cellResult(cell("bare"), [sample({ p50Ms: null }), sample({ p50Ms: null })]);
    expect(median.p50Ms).toBeNull();
  });
});

describe("results", () => {
  const results = new Results([
    cellResult(cell("bare"), [sample({ cpuMs: 2 }), sample({ cpuMs: 4 }), sample({ cpuMs: 2 })]),
    cellResult(cell("raw"), [sample({ cpuMs: 2.5 }), sample({ cpuMs: 5 }), sample({ cpuMs: 4 })]),
    cellResult(cell("hits"), [sample({ perSecond: 10_000 }), sample({ perSecond: 9000 }), sample()]),
    cellResult(cell("steady", 64), [sample(), sample({ p50Ms: 10, p99Ms: 30 }), sample()]),
    cellResult(cell("live", 64), [sample({ p99Ms: 4 })]),
  ]);

  test("compare within each round, so that a slow round changes no ratio", () => {
    expect(results.bareRatio("mobilenet_v3_small", "256x256", 16)).toBe(0.8);
  });

  test("say what was promised as far as it was measured", () => {
    expect(results.promises).toEqual({
      ratio: 0.8,
      multipartOverRaw: null,
      hitsOverMisses: 18,
      liveP99Ms: 4,
      steadyP99OverP50: 2,
    });
  });

  test("know what they have not", () => {
    expect(results.bareRatio("resnet50", "256x256", 16)).toBeNull();
    expect(results.find("mobilenet_v3_small", "256x256", "raw", 64)).toBeUndefined();
    expect(results.failures).toBe(0);
  });
});
