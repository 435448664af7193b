import type { Label } from "../model-repository/manifest.ts";
import { topPredictions } from "./postprocess.ts";
import type { Prediction, PredictOptions } from "./prediction.ts";

type Asked = Pick<PredictOptions, "topK" | "minProb">;

/**
 * `topPredictions`, remembering for each score what was last asked of it and answered: a photograph that comes again is
 * mostly asked the same. Answers are shared between requests: nobody may change one.
 */
export class Rankings {
  readonly #last = new WeakMap<Float64Array, Asked & { predictions: Prediction[] }>();

  of(probabilities: Float64Array, labels: readonly Label[], { topK, minProb }: Asked): Prediction[] {
    const last = this.#last.get(probabilities);
    if (last !== undefined && last.topK === topK && last.minProb === minProb) return last.predictions;
    const predictions = topPredictions(probabilities, labels, { topK, minProb });
    this.#last.set(probabilities, { topK, minProb, predictions });
    return predictions;
  }
}
