import { PinholeError } from "../errors.ts";
import type { Label, Manifest, Model } from "../model-repository/manifest.ts";
import type { RawRow } from "./messages.ts";
import type { ConfidenceStatus, Prediction, PredictOptions } from "./prediction.ts";

const DEFAULT_TOP_K = 5;
/** Up to so many are picked one by one; for more of them sorting all is faster. */
const MOST_PICKED = 32;

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
export function combine(rows: readonly Readonly<Judged>[]): Readonly<Judged> {
  if (rows.length === 1) return rows[0]!;
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
  return largest(probabilities, topK ?? DEFAULT_TOP_K)
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
 * Places of the `count` largest values, the largest first, equal ones in their order. A few are picked in one pass:
 * sorting a thousand classes for five of them takes 0.15 ms, a small network 1.7.
 */
function largest(values: Float64Array, count: number): number[] {
  if (count > MOST_PICKED) {
    return [...values.keys()].sort((a, b) => values[b]! - values[a]!).slice(0, count);
  }
  const picked: number[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    // Most of a thousand classes end here.
    if (picked.length === count && value <= least) continue;
    let rank = picked.length;
    while (rank > 0 && value > values[picked[rank - 1]!]!) rank--;
    picked.splice(rank, 0, index);
    if (picked.length > count) picked.pop();
    least = values[picked.at(-1)!]!;
  }
  return picked;
}

/** Whether the score says that this is not something the model knows; null where the model can't tell. */
export function isUnknown(unknownScore: number | null, { unknown }: Manifest["calibration"]): boolean | null {
  if (unknownScore === null || unknown === undefined) return null;
  // Turned round so that a score that is no number counts as unknown.
  return !(unknownScore <= unknown);
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
  const { high, medium } = calibration;
  if (isUnknown(unknownScore, calibration)) return { status: "LOW", unknown: true };
  let first = 0;
  for (let index = 0; index < probabilities.length; index++) {
    if (probabilities[index]! > first) first = probabilities[index]!;
  }
  return { status: first >= high ? "HIGH" : first >= medium ? "MEDIUM" : "LOW", unknown: false };
}
