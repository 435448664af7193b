import type { Manifest } from "../model-repository/manifest.ts";
import type { Comparison } from "./comparison.ts";
import type { ExecutionFigures } from "./execution.ts";
import type { TimedBatch } from "./timing.ts";
import type { Demands } from "./verdict.ts";

/** One way that was tried, judged on the photographs of the search. */
export interface Attempt {
  /** For people, e.g. "int8, entropy". */
  name: string;
  /** Share of photographs on which it answers as the source does. */
  agreement: number;
  /** Mean absolute difference of probabilities. */
  difference: number;
  /** Null where it was not timed, for another was better. */
  speedup: number | null;
  /** Layers with weights that it leaves in float32. */
  floatNodes: string[];
}

/** Which layers with weights ran on integers, by the runtime's own profile. */
export interface Kernels {
  integer: number;
  float: number;
  float_nodes: string[];
  /** Milliseconds of one run. */
  ms_by_operator: Record<string, number>;
}

/** What a run of the command came to. */
export interface OptimizationReport {
  source: VersionFacts;
  made: VersionFacts;
  written: boolean;
  /** Why it was not written; empty where it was. */
  refusals: string[];
  demands: Demands;
  photographs: {
    calibration: number;
    search: number;
    verification: number;
    unused: number;
    unreadable: number;
  };
  tried: Attempt[];
  /** Which of them was verified. */
  chosen: string;
  comparison: Comparison;
  calibration: { source: Manifest["calibration"]; made: Manifest["calibration"] };
  timed: TimedBatch[];
  kernels: Kernels;
  /** Null where it was refused. */
  execution: ExecutionFigures | null;
  machine: { processor: string; cores: number; bun: string; at: string };
  /** That repeats it. */
  command: string;
}

interface VersionFacts {
  key: string;
  sha256: string;
  bytes: number;
}
