import type { Allowance } from "../admission/rate-limit.ts";
import type { Failure } from "../errors.ts";
import type { StageClock, Timings } from "../telemetry/stages.ts";
import type { ImageFormat, Quality } from "./image.ts";

/** What the caller asked for, in range as far as that can be known without the model. */
export interface PredictOptions {
  /** "name" or "name/version"; null: the default model. */
  model: string | null;
  /** At least 1; null: all classes up to five. Checked against the model's classes by the walk. */
  topK: number | null;
  /** 0..1: classes below it are left out (the first prediction never is). */
  minProb: number;
  explain: boolean;
  /** The client wants the failure itself, not the fallback answer (`Prefer: handling=strict`). */
  strict: boolean;
  /** Time to answer once the last byte has come, at least 1; null, or more than the server's: the server's. */
  timeoutMs: number | null;
}

/** One request as the walk sees it: nothing of HTTP but the unread body. */
export interface PredictCall {
  requestId: string;
  /** Who is asking, for limits, fairness and records. */
  clientKey: string;
  options: PredictOptions;
  /** Unread body, or null where there is none; `bytes` gives all of it at once, as `UnreadBody` has it. */
  readonly body: ReadableStream<Uint8Array> | null;
  bytes?(): Promise<Uint8Array>;
  /** Media type of the body with its parameters, as sent, or null. */
  contentType: string | null;
  /** Declared size of the body in bytes, or null. */
  contentLength: number | null;
  /** Aborts when the client has gone. */
  signal: AbortSignal;
  /** Filled on the way; whoever answers reads it, also after a failure. */
  trace: CallTrace;
}

export interface CallTrace {
  stages: StageClock;
  /** What the rate limit said, once it was asked. */
  allowance: Allowance | null;
  /** Key of the model, once the walk has found it. */
  modelKey?: string;
}

export interface Prediction {
  classId: string;
  className: string;
  /** Calibrated probability, 0..1. */
  prob: number;
  description: string | null;
  advice: string | null;
}

export type ConfidenceStatus = "HIGH" | "MEDIUM" | "LOW";

export interface Explanation {
  /** Where the network looked for the first prediction, 0..1, row by row. */
  grid: number[][];
  /** Data URL of a small PNG laid over the photograph. */
  overlay: string | null;
}

export type ImageAnswer =
  | {
      status: "ok";
      filename: string | null;
      format: ImageFormat;
      width: number;
      height: number;
      predictions: Prediction[];
      /** Whether this photograph shows something that the model does not know; null where the model can't tell. */
      unknown: boolean | null;
      quality: Quality;
      explanation: Explanation | null;
    }
  | { status: "error"; filename: string | null; error: Failure };

export interface PredictAnswer {
  predictionId: string;
  model: { name: string; version: string; sha256: string };
  predictions: Prediction[];
  confidenceStatus: ConfidenceStatus;
  retakeMessage: string | null;
  images: ImageAnswer[];
  /** Every usable image's answer came from the cache. */
  cached: boolean;
  /** Inference failed and this stands in for an answer. */
  fallback: boolean;
  timings: Timings;
}
