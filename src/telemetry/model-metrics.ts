import type { Registry } from "prom-client";
import type { ConfidenceStatus, PredictAnswer } from "../inference/prediction.ts";
import type { Outcome } from "./metrics.ts";
import { Counter, type CounterSeries, Histogram, type HistogramSeries } from "./series.ts";
import { answerMs, type Timings } from "./stages.ts";

const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const CONFIDENCES: readonly ConfidenceStatus[] = ["HIGH", "MEDIUM", "LOW"];

/**
 * Why a request failed, in Triton's words: refused or timed out before it ran, left by its client, failed in the
 * network, anything else (a picture that cannot be decoded).
 */
const FAILURE_REASONS = ["REJECTED", "CANCELED", "BACKEND", "OTHER"] as const;
type FailureReason = (typeof FAILURE_REASONS)[number];

const REASON_OF: Partial<Record<Outcome, FailureReason>> = {
  OVERLOADED: "REJECTED",
  DRAINING: "REJECTED",
  DEADLINE_EXCEEDED: "REJECTED",
  client_gone: "CANCELED",
  INFERENCE_FAILED: "BACKEND",
};

/** The figures of one model, found once: labels are not looked up for each request. */
interface ModelSeries {
  predictions: Record<ConfidenceStatus, CounterSeries>;
  fallbacks: CounterSeries;
  batchSize: HistogramSeries;
  success: CounterSeries;
  failure: Record<FailureReason, CounterSeries>;
  inferences: CounterSeries;
  executions: CounterSeries;
  requestUs: CounterSeries;
  queueUs: CounterSeries;
  inputUs: CounterSeries;
  inferUs: CounterSeries;
  outputUs: CounterSeries;
}

/**
 * Figures by model, ours and those of Triton Inference Server, so that boards made for it read this server
 * (names, labels and meaning: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/metrics.html).
 * As there, durations are of successful requests, in microseconds and added up; counts and compute times leave
 * cached answers out. Request time runs from the last byte of the body; compute input is decoding and
 * preprocessing.
 */
export class ModelMetrics {
  readonly #models = new Map<string, ModelSeries>();
  readonly #make: (modelKey: string) => ModelSeries;
  readonly #classes: Counter;

  constructor(registry: Registry) {
    const ours = (name: string, help: string) => new Counter({ name, help, registry });
    const triton = (name: string, help: string) =>
      new Counter({ name: `nv_inference_${name}`, help, registry });

    const predictions = ours(
      "pinhole_predictions_total",
      "Answers by confidence status, fallback answers left out.",
    );
    this.#classes = ours(
      "pinhole_predicted_classes_total",
      "Answers by their first class and confidence status, fallback answers left out.",
    );
    const fallbacks = ours("pinhole_fallback_answers_total", "Answers that stood in for a failed inference.");
    const batchSize = new Histogram({
      name: "pinhole_batch_size_rows",
      help: "Rows of each batch that was handed to a worker.",
      buckets: BATCH_BUCKETS,
      registry,
    });
    const success = triton("request_success", "Requests that were answered.");
    const failure = triton("request_failure", "Requests that were not, by reason.");
    const inferences = triton("count", "Images inferred, cached ones left out.");
    const executions = triton("exec_count", "Batches that were run.");
    const requestUs = triton("request_duration_us", "Time of requests, cached ones included.");
    const queueUs = triton("queue_duration_us", "Time of requests in queues.");
    const inputUs = triton("compute_input_duration_us", "Time of requests in decoding and preprocessing.");
    const inferUs = triton("compute_infer_duration_us", "Time of requests in the network.");
    const outputUs = triton("compute_output_duration_us", "Time of requests in postprocessing.");

    this.#make = (modelKey) => {
      const slash = modelKey.lastIndexOf("/");
      const [model, version] = [modelKey.slice(0, slash), modelKey.slice(slash + 1)];
      const of = (counter: Counter) => counter.labels({ model, version });
      return {
        predictions: record(CONFIDENCES, (confidence) => predictions.labels({ model: modelKey, confidence })),
        fallbacks: fallbacks.labels({ model: modelKey }),
        batchSize: batchSize.labels({ model: modelKey }),
        success: of(success),
        failure: record(FAILURE_REASONS, (reason) => failure.labels({ model, version, reason })),
        inferences: of(inferences),
        executions: of(executions),
        requestUs: of(requestUs),
        queueUs: of(queueUs),
        inputUs: of(inputUs),
        inferUs: of(inferUs),
        outputUs: of(outputUs),
      };
    };
  }

  /** Makes the model's series, at zero: an alert can't see the first step of one that comes up later. */
  expect(modelKey: string): void {
    this.#of(modelKey);
  }

  answer(answer: PredictAnswer): void {
    const modelKey = `${answer.model.name}/${answer.model.version}`;
    const series = this.#of(modelKey);
    if (answer.fallback) {
      series.fallbacks.inc();
      series.failure.BACKEND.inc();
      return;
    }
    series.predictions[answer.confidenceStatus].inc();
    const first = answer.predictions[0];
    // Each from its first answer on: a model may have thousands of classes.
    if (first !== undefined)
      this.#classes
        .labels({ model: modelKey, class: first.classId, confidence: answer.confidenceStatus })
        .inc();
    series.success.inc();
    addDurations(series, answer.timings);
  }

  /** A request that had found its model and was not answered. */
  failure(modelKey: string, outcome: Outcome): void {
    this.#of(modelKey).failure[REASON_OF[outcome] ?? "OTHER"].inc();
  }

  /** A batch that was handed to a worker. */
  batch(modelKey: string, rows: number): void {
    this.#of(modelKey).batchSize.observe(rows);
  }

  /** A batch that a worker has run. @param rows those that were answered */
  run(modelKey: string, rows: number): void {
    const { executions, inferences } = this.#of(modelKey);
    executions.inc();
    inferences.inc(rows);
  }

  #of(modelKey: string): ModelSeries {
    let series = this.#models.get(modelKey);
    if (series === undefined) {
      series = this.#make(modelKey);
      this.#models.set(modelKey, series);
    }
    return series;
  }
}

function addDurations(series: ModelSeries, timings: Timings): void {
  const { queue = 0, decode = 0, preprocess = 0, infer, postprocess = 0 } = timings;
  series.requestUs.inc(1000 * (answerMs(timings) ?? 0));
  // From the cache: it neither waited nor computed.
  if (infer === undefined) return;
  series.queueUs.inc(1000 * queue);
  series.inputUs.inc(1000 * (decode + preprocess));
  series.inferUs.inc(1000 * infer);
  series.outputUs.inc(1000 * postprocess);
}

function record<K extends string>(
  keys: readonly K[],
  of: (key: K) => CounterSeries,
): Record<K, CounterSeries> {
  return Object.fromEntries(keys.map((key) => [key, of(key)])) as Record<K, CounterSeries>;
}
