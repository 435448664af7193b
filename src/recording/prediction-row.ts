import { PinholeError } from "../errors.ts";
import type { MadePrediction } from "../inference/predictor.ts";
import type { PredictionRow } from "./row.ts";

/**
 * The record of what a request came to.
 * @param at wall-clock time, ms since the epoch
 * @param clientHash names a client without its address
 */
export function predictionRow(
  made: MadePrediction,
  at: number,
  clientHash: (clientKey: string) => string,
): PredictionRow {
  const { call, model, result } = made;
  const { name, version, sha256 } = model.manifest;
  const about = {
    id: made.id,
    createdAt: at,
    requestId: call.requestId,
    modelName: name,
    modelVersion: version,
    modelSha256: sha256,
    clientHash: clientHash(call.clientKey),
    imageCount: made.imageCount,
    imageDigests: made.imageDigests,
  };
  if (result instanceof PinholeError) {
    const timings = call.trace.stages.timings();
    const nothing = { classId: null, prob: null, confidence: null, cached: false };
    return {
      ...about,
      ...nothing,
      outcome: "failed",
      error: result.code,
      timings,
      totalMs: timings.total ?? 0,
    };
  }
  const [first] = result.predictions;
  const failed = result.images.find((image) => image.status === "error");
  return {
    ...about,
    classId: first?.classId ?? null,
    prob: first?.prob ?? null,
    confidence: result.confidenceStatus,
    outcome: result.fallback ? "fallback" : "ok",
    cached: result.cached,
    error: failed?.error.code ?? null,
    timings: result.timings,
    totalMs: result.timings.total ?? 0,
  };
}
