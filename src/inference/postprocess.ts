import { PinholeError } from "../errors.ts";
import type { Label, Manifest, Model } from "../model-repository/manifest.ts";
import type { RawRow } from "./messages.ts";
import type { ConfidenceStatus, Prediction, PredictOptions } from "./prediction.ts";

const DEFAULT_TOP_K = 5;

/** What one photograph, or several together, came to. */
interface Judged {
  /** [classes], adding up to 1. */
  probabilities: Float64Array;
  unknownScore: number | null;
}

/**
 * Calibrated probabilities, [classes], adding up to 1: softmax of the logits over the temperature (Guo et al. 2017,
 * "On Calibration of Modern Neural Networks"). Where the graph ends in a softmax its logarithm stands for the logits.
 * @throws PinholeError INFERENCE_FAILED when the network's answer is no number, or gives no class a probability
 */
export function probabilities(row: Pick<RawRow, "logits">, model: Pick<Model, "manifest">): Float64Array {
  const { outputs, calibration } = model.manifest;
  const { logits } = row;
  const scaled = new Float64Array(logits.length);
  let largest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < logits.length; index++) {
    const value = logits[index]!;
    if (!Number.isFinite(value)) throw notUsable(`logit ${index} is ${value}`);
    const logit = outputs.logits.softmax ? Math.log(value) : value;
    if (Number.isNaN(logit)) throw notUsable(`probability ${index} is ${value}`);
    scaled[index] = logit / calibration.temperature;
    largest = Math.max(largest, scaled[index]!);
  }
  // Of a softmax all may be 0: then there is no largest logarithm to measure from.
  if (largest === Number.NEGATIVE_INFINITY) throw notUsable("every probability is 0");

  let total = 0;
  for (let index = 0; index < scaled.length; index++) {
    scaled[index] = Math.exp(scaled[index]! - largest);
    total += scaled[index]!;
  }
  for (let index = 0; index < scaled.length; index++) scaled[index]! /= total;
  return scaled;
}

function notUsable(cause: string): PinholeError {
  return new PinholeError("INFERENCE_FAILED", "The model gave no usable answer for this image.", { cause });
}

/**
 * Mean of the probabilities and of the unknown scores over the photographs of one subject.
 * @param rows at least one, all of one model
 */
export function combine(rows: readonly Readonly<Judged>[]): Judged {
  const mean = new Float64Array(rows[0]!.probabilities.length);
  for (const row of rows) {
    for (let index = 0; index < mean.length; index++) mean[index]! += row.probabilities[index]! / rows.length;
  }
  const scores = rows.flatMap(({ unknownScore }) => unknownScore ?? []);
  const unknownScore =
    scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return { probabilities: mean, unknownScore };
}

/** The likeliest classes, likeliest first, equal ones in the order of the labels. The first is always there. */
export function topPredictions(
  probabilities: Float64Array,
  labels: readonly Label[],
  { topK, minProb }: Pick<PredictOptions, "topK" | "minProb">,
): Prediction[] {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]!);
  return order
    .slice(0, topK ?? DEFAULT_TOP_K)
    .filter((index, rank) => rank === 0 || probabilities[index]! >= minProb)
    .map((index) => {
      const { class_id: classId, class_name: className, description, advice } = labels[index]!;
      return {
        classId,
        className,
        prob: probabilities[index]!,
        description: description ?? null,
        advice: advice ?? null,
      };
    });
}

/**
 * How far an answer is to be trusted, by the thresholds that were chosen on validation pictures.
 * @returns `unknown`: the score says that this is not something the model knows, which alone makes it LOW
 */
export function confidence(
  probabilities: Float64Array,
  unknownScore: number | null,
  calibration: Manifest["calibration"],
): { status: ConfidenceStatus; unknown: boolean } {
  const { high, medium, unknown: threshold } = calibration;
  // Turned round so that a score that is no number counts as unknown.
  const known = unknownScore === null || threshold === undefined || unknownScore <= threshold;
  if (!known) return { status: "LOW", unknown: true };
  const first = probabilities.reduce((largest, prob) => Math.max(largest, prob), 0);
  return { status: first >= high ? "HIGH" : first >= medium ? "MEDIUM" : "LOW", unknown: false };
}
