import { expect, test } from "bun:test";
import { factsOf, reportFor, sampleAt, summaryOf, trend } from "./report.fixture.ts";
import { cpuMsPerPrediction, reportOf } from "./report.ts";

test("a run's figures are read from what k6 wrote", () => {
  const report = reportFor("steady");
  expect(report.answers).toEqual({ ok: 1400, limited: 0, refused: 0, failed: 0 });
  expect(report.latency.answers).toEqual({
    count: 1400,
    meanMs: 12,
    p50Ms: 10,
    p95Ms: 20,
    p99Ms: 40,
    maxMs: 99,
  });
  expect(report.users).toBe(120);
  expect(report.stages.map(({ stage }) => stage)).toEqual(["decode", "total"]);
});

test("each window has its own requests, its own times and what was offered in it", () => {
  const windows = reportFor("steady").windows;
  expect(windows.map(({ second, answers, latency }) => [second, answers.ok, latency?.p95Ms])).toEqual([
    [0, 690, 20],
    [10, 710, 40],
  ]);
  for (const { offered } of windows) expect(offered).toBeCloseTo(70);
});

test("one of two machines was to send half", () => {
  const { windows } = reportOf(factsOf("steady", { share: 0.5 }), summaryOf(), []);
  expect(windows[0]?.offered).toBeCloseTo(35);
});

test("a run that is as long as its answers take says how long that was", () => {
  const http_reqs = { count: 60, rate: 40 };
  const facts = factsOf("smoke", { windows: 1, capacity: null });
  const report = reportOf(facts, summaryOf({ http_reqs, answers_ok_w0: { count: 60 } }), []);
  expect([report.seconds, report.windowSeconds]).toEqual([1.5, 1.5]);
});

test("parts have figures of their own, those of reads where nothing was predicted", () => {
  const report = reportFor("mixed", {
    "answer_ms{part:uploaders_of_one}": trend(300),
    "answered{part:uploaders_of_one}": { passes: 300, fails: 0, value: 1 },
    "read_ms{part:pollers}": trend(500, 0.1),
    "answered{part:pollers}": { passes: 499, fails: 1, value: 0.998 },
    "answered{part:browsers}": { passes: 0, fails: 0, value: 0 },
  });
  expect(report.parts.map(({ name, answered }) => [name, answered])).toEqual([
    ["uploaders of one", 1],
    ["uploaders of eight", null],
    ["browsers", null],
    ["pollers", 0.998],
  ]);
  expect(report.parts[0]?.latency?.p50Ms).toBe(10);
  expect(report.parts[3]).toMatchObject({ latency: null, reads: { p50Ms: 1 } });
});

test("what no request reached is null, not 0", () => {
  const report = reportOf(factsOf("steady", { windows: 3 }), summaryOf({ answer_ms: trend(0) }), []);
  expect(report.latency.answers).toBeNull();
  expect(report.windows[2]?.latency).toBeNull();
  expect(report.cacheHitRate).toBeNull();
});

test("CPU time of the server for each prediction, where it did nothing else", () => {
  const samples = [sampleAt(0, 1), sampleAt(10, 1)];
  expect(cpuMsPerPrediction({ scenario: "steady", samples })).toBeCloseTo(2500 / 700);
  expect(cpuMsPerPrediction({ scenario: "mixed", samples })).toBeNull();
  expect(cpuMsPerPrediction({ scenario: "steady", samples: samples.slice(1) })).toBeNull();
});
