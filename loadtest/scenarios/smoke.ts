import { check } from "k6";
import exec from "k6/execution";
import { countPrediction, type PredictAnswer, serverTiming } from "./client/answers.ts";
import { newPhotograph } from "./client/photographs.ts";
import { postForm, postRaw } from "./client/predict.ts";
import { Run } from "./client/run.ts";

const run = new Run("smoke");

export const options = run.options({
  smoke: {
    executor: "shared-iterations",
    vus: Number(__ENV.VUS || run.scenario.users),
    iterations: Number(__ENV.ITERATIONS || 60),
  },
});

/** As forms and as raw bodies; a single wrong answer fails the run. */
export default function () {
  run.iteration(smoke);
}

function smoke(): void {
  const post = exec.scenario.iterationInTest % 2 === 0 ? postForm : postRaw;
  const response = post(newPhotograph(), "?top_k=3");
  const answer = countPrediction(response, false) ?? {};
  const timing = new Map(serverTiming(response));
  const id = response.headers["X-Request-Id"];
  const good = check(response, {
    "status is 200": () => response.status === 200,
    "has a request id": () => Boolean(id) && answer.request_id === id,
    "has a prediction id": () => /^[0-9a-f]{32}$/.test(answer.prediction_id ?? ""),
    "names the model": () => Boolean(answer.model?.name && answer.model.version && answer.model.sha256),
    "three predictions, best first": () => isRanked(answer.predictions),
    "a confidence status": () => ["HIGH", "MEDIUM", "LOW"].includes(answer.confidence_status ?? ""),
    "one image, read": () => answer.images?.length === 1 && answer.images[0]?.status === "ok",
    "no fallback answer": () => answer.predictions !== undefined && answer.fallback !== true,
    "Server-Timing names its stations": () => (timing.get("total") ?? 0) > 0 && timing.has("read"),
  });
  if (!good) console.error(`${response.status} ${String(response.body).slice(0, 500)}`);
}

function isRanked(predictions: PredictAnswer["predictions"]): boolean {
  return (
    Array.isArray(predictions) &&
    predictions.length === 3 &&
    predictions.every(
      ({ class_id, prob }, i) =>
        Boolean(class_id) && prob >= 0 && prob <= 1 && (i === 0 || prob <= predictions[i - 1]!.prob),
    )
  );
}
