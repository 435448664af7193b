import { describe, expect, test } from "bun:test";
import { Registry } from "prom-client";
import type { PredictAnswer, Prediction } from "../inference/prediction.ts";
import { ModelMetrics } from "./model-metrics.ts";

const prediction = (classId: string): Prediction => ({
  classId,
  className: classId,
  prob: 0.9,
  description: null,
  advice: null,
});

const answer = (changes: Partial<PredictAnswer> = {}): PredictAnswer => ({
  predictionId: "p",
  model: { name: "leaf", version: "1.2.0", sha256: "a" },
  predictions: [prediction("rust"), prediction("healthy")],
  confidenceStatus: "HIGH",
  retakeMessage: null,
  images: [],
  cached: false,
  fallback: false,
  timings: {
    limit: 1,
    admit: 1,
    read: 100,
    validate: 1,
    decode: 4,
    queue: 2,
    preprocess: 1,
    infer: 8,
    postprocess: 0.5,
    total: 120,
  },
  ...changes,
});

async function setUp() {
  const registry = new Registry();
  const metrics = new ModelMetrics(registry);
  metrics.expect("leaf/1.2.0");
  const read = async () => {
    const lines = (await registry.metrics()).split("\n").filter((line) => line && !line.startsWith("#"));
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]),
    );
  };
  return { metrics, read };
}

const LABELS = '{model="leaf",version="1.2.0"}';

describe("Triton's figures", () => {
  test("durations are of answered requests, in microseconds, without the time that the body took", async () => {
    const { metrics, read } = await setUp();
    metrics.answer(answer());
    metrics.answer(answer());
    expect(await read()).toMatchObject({
      [`nv_inference_request_success${LABELS}`]: 2,
      [`nv_inference_request_duration_us${LABELS}`]: 2 * 18_000,
      [`nv_inference_queue_duration_us${LABELS}`]: 2 * 2000,
      [`nv_inference_compute_input_duration_us${LABELS}`]: 2 * 5000,
      [`nv_inference_compute_infer_duration_us${LABELS}`]: 2 * 8000,
      [`nv_inference_compute_output_duration_us${LABELS}`]: 2 * 500,
    });
  });

  test("a cached answer is a request that computed nothing", async () => {
    const { metrics, read } = await setUp();
    const timings = { limit: 0, admit: 0, read: 1, validate: 0.1, cache: 0.1, postprocess: 0.1, total: 1.5 };
    metrics.answer(answer({ cached: true, timings }));
    expect(await read()).toMatchObject({
      [`nv_inference_request_success${LABELS}`]: 1,
      [`nv_inference_request_duration_us${LABELS}`]: 500,
      [`nv_inference_compute_output_duration_us${LABELS}`]: 0,
      [`nv_inference_count${LABELS}`]: 0,
    });
  });

  test("rows are inferences, batches are executions", async () => {
    const { metrics, read } = await setUp();
    metrics.run("leaf/1.2.0", 8);
    metrics.run("leaf/1.2.0", 1);
    expect(await read()).toMatchObject({
      [`nv_inference_count${LABELS}`]: 9,
      [`nv_inference_exec_count${LABELS}`]: 2,
    });
  });

  test("every failure has one of Triton's reasons, the fallback answer included", async () => {
    const { metrics, read } = await setUp();
    for (const outcome of ["DEADLINE_EXCEEDED", "OVERLOADED", "client_gone", "INVALID_IMAGE"] as const)
      metrics.failure("leaf/1.2.0", outcome);
    metrics.failure("leaf/1.2.0", "INFERENCE_FAILED");
    metrics.answer(answer({ fallback: true, predictions: [prediction("error")], confidenceStatus: "LOW" }));
    const figures = await read();
    const failures = (reason: string) =>
      figures[`nv_inference_request_failure{model="leaf",version="1.2.0",reason="${reason}"}`];
    expect(["REJECTED", "CANCELED", "OTHER", "BACKEND"].map(failures)).toEqual([2, 1, 1, 2]);
    expect(figures[`nv_inference_request_success${LABELS}`]).toBe(0);
    expect(figures[`nv_inference_request_duration_us${LABELS}`]).toBe(0);
  });
});

describe("what was predicted", () => {
  test("by first class and confidence; a fallback answer is no prediction", async () => {
    const { metrics, read } = await setUp();
    metrics.answer(answer());
    metrics.answer(answer());
    metrics.answer(answer({ predictions: [prediction("healthy")], confidenceStatus: "LOW" }));
    metrics.answer(answer({ fallback: true, predictions: [prediction("error")], confidenceStatus: "LOW" }));
    const figures = await read();
    const of = (name: string, labels: string) => figures[`${name}{model="leaf/1.2.0"${labels}}`];
    expect(of("pinhole_predictions_total", ',confidence="HIGH"')).toBe(2);
    expect(of("pinhole_predictions_total", ',confidence="MEDIUM"')).toBe(0);
    expect(of("pinhole_predictions_total", ',confidence="LOW"')).toBe(1);
    expect(of("pinhole_predicted_classes_total", ',class="rust",confidence="HIGH"')).toBe(2);
    expect(of("pinhole_predicted_classes_total", ',class="healthy",confidence="LOW"')).toBe(1);
    expect(of("pinhole_fallback_answers_total", "")).toBe(1);
    expect(JSON.stringify(figures)).not.toContain("error");
  });
});
