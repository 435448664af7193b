import { share } from "../evaluation/figures.ts";
import type { OptimizationReport } from "./report.ts";

const labelled = (right: number) => ({
  top1: share(right, 100),
  macroF1: right / 100,
  calibrationError: 0.012,
  rightWhenHigh: share(80, 80),
  knownRejected: share(1, 100),
  unknownRejected: share(0, 0),
});

/** A report with every part, for tests. */
export const REPORT: OptimizationReport = {
  source: { key: "leaf/1.0.0", sha256: "a".repeat(64), bytes: 102_400_000 },
  made: { key: "leaf/1.0.0-int8", sha256: "b".repeat(64), bytes: 25_700_000 },
  written: true,
  refusals: [],
  demands: { goal: "speed", minAgreement: 0.985, minSpeedup: 1.15 },
  photographs: { calibration: 60, search: 40, verification: 100, unused: 3, unreadable: 0 },
  tried: [
    { name: "int8, minmax", agreement: 0.95, difference: 0.002, speedup: null, floatNodes: [] },
    { name: "int8, entropy", agreement: 1, difference: 0.001, speedup: 2.51, floatNodes: ["conv1"] },
  ],
  chosen: "int8, entropy",
  comparison: {
    agreement: share(99, 100),
    sameStatus: share(97, 100),
    difference: 0.00123,
    labelled: { source: labelled(98), made: labelled(97) },
  },
  calibration: {
    source: { temperature: 1, high: 0.9, medium: 0.5 },
    made: { temperature: 1.01, high: 0.9, medium: 0.5 },
  },
  timed: [
    { rows: 1, sourceMs: 74.512, madeMs: 29.7, speedup: 2.508, rounds: 20 },
    { rows: 4, sourceMs: 70, madeMs: 28, speedup: 2.5, rounds: 7 },
  ],
  kernels: { integer: 53, float: 1, float_nodes: ["conv1"], ms_by_operator: { QLinearConv: 25 } },
  execution: {
    graphOptimization: [
      { level: "all", ms: 29 },
      { level: "basic", ms: 60 },
    ],
    batch: [
      { rows: 1, ms: 29 },
      { rows: 4, ms: 28.9 },
    ],
    threads: [
      { workers: 2, threads: 1, perSecond: 66 },
      { workers: 2, threads: 2, perSecond: 60 },
      { workers: 1, threads: 2, perSecond: 50 },
    ],
    chosen: { execution: { threads: 1, graph_optimization: "all" }, maxBatch: 1 },
  },
  machine: { processor: "A Processor", cores: 2, bun: "1.4.5", at: "2026-01-02T03:04:05.000Z" },
  command: "bun run models:optimize leaf --images photos",
};
