import type { Manifest } from "../model-repository/manifest.ts";
import type { Kernels } from "./report.ts";
import type { Tensors } from "./tensors.ts";

/** How ranges of activations are found from calibration photographs. */
export type RangeMethod = "minmax" | "entropy" | "percentile";

/** Which layers are quantised: all that can be, or those with weights only. */
export type Operators = "all" | "weights";

/** Of every job: which input is fed, which outputs count. */
export interface Roles {
  input: { name: string };
  outputs: { logits: string; softmax: boolean; unknown_score: string | null };
}

interface Quantisation {
  /** Absolute, of the folded graph. */
  model: string;
  /** Folder in which measured ranges are kept. */
  work: string;
  calibration: Tensors;
  method: RangeMethod;
  /** Of the method of that name. */
  percentile: number;
  operators: Operators;
  /** Nodes that stay in float32. */
  float_nodes: string[];
}

/** The steps of graph work, each with its job and what it comes to. */
export interface GraphJobs {
  fold: {
    /** Tensors: what the folded graph is compared with the source on. */
    job: { model: string; output: string; tensors: Tensors };
    result: {
      nodes_before: Record<string, number>;
      nodes_after: Record<string, number>;
      separated: number;
      largest_difference: number;
    };
  };
  quantize: { job: Quantisation & { output: string }; result: { quantized: number; float: number } };
  search: {
    job: Quantisation & { search: Tensors; target: number; min_speedup: number };
    result: { float_nodes: string[]; agreement: number; difference: number; reached: boolean };
  };
  /** Chooses the kernel of each convolution by profiling: the same answers but for rounding. */
  tune: {
    job: { model: string; output: string; tensors: Tensors };
    result: { changed: number; convolutions: number; before_ms: number; after_ms: number };
  };
  kernels: { job: { model: string; tensors: Tensors }; result: Kernels };
  float16: { job: { model: string; output: string }; result: Record<string, unknown> };
}

type Tell = (done: number, of: number, what?: string) => void;

/** Graph work, done elsewhere. */
export type GraphSteps = <Step extends keyof GraphJobs>(
  step: Step,
  job: GraphJobs[Step]["job"] & Roles,
  tell: Tell,
) => Promise<GraphJobs[Step]["result"]>;

export function rolesOf({ input, outputs }: Manifest): Roles {
  const { logits, unknown_score: unknown } = outputs;
  return {
    input: { name: input.name },
    outputs: { logits: logits.name, softmax: logits.softmax, unknown_score: unknown?.name ?? null },
  };
}
