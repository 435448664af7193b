import type { Model } from "../model-repository/manifest.ts";
import type { Quality } from "./image.ts";
import type { RawRow } from "./messages.ts";
import { probabilities } from "./postprocess.ts";
import type { Explanation } from "./prediction.ts";

/**
 * What image, model and options determine of an answer, and nothing else: this is what the cache holds. Shared
 * between requests: nobody changes it.
 */
export interface Score {
  /** Calibrated, [classes], adding up to 1. */
  readonly probabilities: Float64Array;
  /** 0..1, higher: less something that the model knows. Null where the model does not say. */
  readonly unknownScore: number | null;
  readonly quality: Quality;
  readonly explanation: Explanation | null;
}

/** @throws PinholeError INFERENCE_FAILED when the network's answer is no number */
export function scoreRow(row: RawRow, model: Model, explanation: Explanation | null): Score {
  const { unknownScore, quality } = row;
  return { probabilities: probabilities(row, model), unknownScore, quality, explanation };
}

/** What is remembered of a score's last answer: a few predictions, and their text. */
const ANSWERED_BYTES = 2048;

/** About how many bytes the cache holds for a score. */
export function scoreBytes(score: Score): number {
  const { probabilities, explanation } = score;
  const explained =
    explanation === null ? 0 : (explanation.overlay?.length ?? 0) + 8 * explanation.grid.length ** 2;
  return 256 + ANSWERED_BYTES + probabilities.byteLength + explained;
}
