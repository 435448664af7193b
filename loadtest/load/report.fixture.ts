import { SCENARIOS, type ScenarioName } from "../catalogue.ts";
import type { Sample } from "./exposition.ts";
import type { K6Metric, K6Summary } from "./k6-summary.ts";
import { type Report, type RunFacts, reportOf } from "./report.ts";

const MIB = 1024 * 1024;

export function factsOf(name: ScenarioName, facts: Partial<RunFacts> = {}): RunFacts {
  return {
    name,
    scenario: SCENARIOS[name],
    startedAt: "2026-11-21T12:00:00.000Z",
    seconds: 20,
    windows: 2,
    target: { url: "http://127.0.0.1:8080", settings: { PINHOLE_CACHE_ENABLED: "false" } },
    generator: "k6 v1.8.1 on 2 x <made up>",
    capacity: 100,
    share: 1,
    strict: false,
    ...facts,
  };
}

export function trend(count: number, factor = 1): K6Metric {
  const of = (ms: number) => ms * factor;
  return {
    count,
    avg: of(12),
    min: of(5),
    med: of(10),
    max: of(99),
    "p(50)": of(10),
    "p(90)": of(15),
    "p(95)": of(20),
    "p(99)": of(40),
  };
}

export function summaryOf(metrics: Record<string, K6Metric> = {}): K6Summary {
  return {
    metrics: {
      answers_ok: { count: 1400, rate: 70 },
      answers_ok_w0: { count: 690 },
      answers_ok_w1: { count: 710 },
      answer_ms: trend(1400),
      answer_ms_w0: trend(690),
      answer_ms_w1: trend(710, 2),
      errors: { passes: 0, fails: 1400, value: 0, thresholds: { "rate<0.01": false } },
      fallback_answers: { count: 0, rate: 0, thresholds: { "count<=0": false } },
      http_reqs: { count: 1400, rate: 70, thresholds: { "rate>=16.667": false } },
      vus_max: { value: 120, min: 120, max: 120, thresholds: { "value>=100": false } },
      stage_decode_ms: trend(350, 0.2),
      stage_total_ms: trend(350, 0.9),
      ...metrics,
    },
  };
}

export function sampleAt(second: number, mib: number): Sample {
  return {
    second,
    residentBytes: mib * MIB,
    cpuSeconds: 1 + second / 4,
    inFlightImages: 2,
    admittedRequests: 4,
    predictions: 500 + second * 70,
    stageSeconds: { decode: second / 10, read: second / 100, infer: second / 5 },
  };
}

export function reportFor(name: ScenarioName, metrics: Record<string, K6Metric> = {}): Report {
  return reportOf(factsOf(name), summaryOf(metrics), [sampleAt(1, 200), sampleAt(19, 204)]);
}
