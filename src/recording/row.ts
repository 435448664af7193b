import type { ErrorCode } from "../errors.ts";
import type { ConfidenceStatus } from "../inference/prediction.ts";
import type { Timings } from "../telemetry/stages.ts";

/** What a prediction came to: an answer, the stand-in for one, or a failure the caller was told. */
export const OUTCOMES = ["ok", "fallback", "failed"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The record of one prediction, as it is kept and read back. Never pixels, file names or addresses. */
export interface PredictionRow {
  /** 128 random bits, 32 hexadecimal characters. */
  id: string;
  /** Wall-clock time, ms since the epoch. */
  createdAt: number;
  requestId: string;
  modelName: string;
  modelVersion: string;
  modelSha256: string;
  /** `clientHash` of the client key. */
  clientHash: string;
  /** Images that were sent. */
  imageCount: number;
  /** SHA-256 of each image that could be read, as sent, 64 hexadecimal characters each. */
  imageDigests: string[];
  /** First prediction; null where there is none. */
  classId: string | null;
  /** Its calibrated probability, 0..1; null where there is none. */
  prob: number | null;
  confidence: ConfidenceStatus | null;
  outcome: Outcome;
  /** Every usable image's answer came from the cache. */
  cached: boolean;
  /** What went wrong; null where nothing did. */
  error: ErrorCode | null;
  /** Durations in ms per station. */
  timings: Timings;
  totalMs: number;
}
