import pino from "pino";
import type { Allowance } from "../admission/rate-limit.ts";
import type { Clock } from "../clock.ts";
import { HealthMonitor } from "../health/monitor.ts";
import type { PredictAnswer, PredictCall } from "../inference/prediction.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { PredictionRow } from "../recording/row.ts";
import { type Config, SETTINGS } from "../settings.ts";
import type { Order } from "../supervisor/messages.ts";
import { Logs } from "../telemetry/log.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { SystemReader } from "../telemetry/system-figures.ts";
import type { HttpServices, RequestLimits } from "./services.ts";

/** For tests of the HTTP layer: everything behind it, small, in memory and under the test's control. */

export const OPERATOR_TOKEN = "a-token-of-at-least-thirty-two-characters";

export const testConfig = (overrides: Partial<Config> = {}): Config => ({
  ...(Object.fromEntries(
    Object.entries(SETTINGS).map(([key, { default: value }]) => [key, value]),
  ) as unknown as Config),
  operatorToken: OPERATOR_TOKEN,
  ...overrides,
});

export class TestClock implements Clock {
  time = 1000;
  now = () => this.time;
  wall = () => 1_767_225_600_000 + this.time;
  after = () => () => undefined;
}

/** Counts for ever: the window never moves. */
export class TestLimits implements RequestLimits {
  readonly limits: Record<string, number> = { predict: 30, read: 300, operator: 10 };
  readonly used = new Map<string, number>();

  take(policy: string, clientKey: string): Allowance {
    const verdict = this.peek(policy, clientKey);
    if (!verdict.allowed) return verdict;
    const key = `${policy} ${clientKey}`;
    this.used.set(key, (this.used.get(key) ?? 0) + 1);
    return { ...verdict, remaining: verdict.remaining - 1 };
  }

  peek(policy: string, clientKey: string): Allowance {
    const limit = this.limits[policy]!;
    const remaining = limit - (this.used.get(`${policy} ${clientKey}`) ?? 0);
    const allowed = remaining > 0;
    const retryAfterSeconds = allowed ? 0 : 17;
    return { policy, allowed, limit, windowSeconds: 60, remaining, resetSeconds: 41, retryAfterSeconds };
  }

  statistics() {
    const topRefused = [{ clientHash: "h".repeat(32), refused: 2 }];
    return [
      { policy: "read", limit: 300, windowSeconds: 60, clients: 1, admitted: 5, refused: 2, topRefused },
    ];
  }
}

export const MODEL: Model = {
  manifest: {
    schema: 1,
    name: "leaf-disease",
    version: "1.0.0",
    task: "classification",
    file: "model.onnx",
    sha256: "a".repeat(64),
    input: { name: "input", dtype: "float32", layout: "NCHW", width: 224, height: 224, color: "RGB" },
    resize: { fit: "cover", crop: 0.875, interpolation: "bilinear" },
    normalize: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    outputs: { logits: { name: "logits", softmax: false } },
    labels: "labels.json",
    calibration: { temperature: 1.3, high: 0.9, medium: 0.6 },
    batch: { max_size: 4, max_wait_ms: 0 },
    accuracy: { top1: 0.97, images: 1000, dataset: "held out" },
    license: "Apache-2.0",
  },
  labels: [
    { class_id: "healthy", class_name: "Healthy" },
    { class_id: "rust", class_name: "Rust", description: "Orange spots.", advice: "Remove the leaf." },
  ],
  path: "/models/leaf-disease/1.0.0/model.onnx",
  key: "leaf-disease/1.0.0",
  digest: "d".repeat(64),
};

export const ANSWER: PredictAnswer = {
  predictionId: "5f1c".repeat(8),
  model: { name: "leaf-disease", version: "1.0.0", sha256: "a".repeat(64) },
  predictions: [
    { classId: "rust", className: "Rust", prob: 0.97312345678, description: "Orange spots.", advice: null },
  ],
  confidenceStatus: "HIGH",
  retakeMessage: null,
  images: [
    {
      status: "ok",
      filename: "leaf.jpg",
      format: "jpeg",
      width: 640,
      height: 480,
      predictions: [
        {
          classId: "rust",
          className: "Rust",
          prob: 0.97312345678,
          description: "Orange spots.",
          advice: null,
        },
      ],
      unknown: false,
      quality: { sharpness: 0.81234, brightness: 0.5, issues: [] },
      explanation: null,
    },
    {
      status: "error",
      filename: null,
      error: { code: "FILE_TOO_LARGE", detail: "Too large.", members: { max_size_mb: 10 }, cause: "/secret" },
    },
  ],
  cached: false,
  fallback: false,
  timings: { limit: 0.00049, read: 1.23456, infer: 2, total: 3.5 },
};

export const ROW: PredictionRow = {
  id: "5f1c".repeat(8),
  createdAt: 1_767_225_600_000,
  requestId: "abc",
  modelName: "leaf-disease",
  modelVersion: "1.0.0",
  modelSha256: "a".repeat(64),
  clientHash: "h".repeat(32),
  imageCount: 1,
  imageDigests: ["b".repeat(64)],
  classId: "rust",
  prob: 0.97,
  confidence: "HIGH",
  outcome: "ok",
  cached: false,
  error: null,
  timings: { read: 1, total: 3 },
  totalMs: 3,
};

/** Services whose predictor is `predict`; `lines` gathers what `log` is told, `requestLines` the lines of requests. */
export function testServices(
  options: {
    config?: Partial<Config>;
    predict?: (call: PredictCall) => PredictAnswer | Promise<PredictAnswer>;
    services?: Partial<HttpServices>;
  } = {},
) {
  const lines: Record<string, unknown>[] = [];
  const requestLines: Record<string, unknown>[] = [];
  const calls: PredictCall[] = [];
  const clock = new TestClock();
  const state = { draining: false, ready: true };
  const limits = new TestLimits();
  const forgotten: string[] = [];
  const orders: Order[] = [];
  let ids = 0;
  const services: HttpServices = {
    config: testConfig(options.config),
    clock,
    newId: () => (++ids).toString(16).padStart(32, "0"),
    log: pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
    logs: new Logs({
      level: "info",
      destination: () => ({ write: (line) => void requestLines.push(JSON.parse(line)) }),
    }),
    tracing: null,
    predictor: {
      async predict(call) {
        calls.push(call);
        return (options.predict ?? (() => ANSWER))(call);
      },
    },
    repository: {
      models: [MODEL],
      defaultModel: MODEL,
      versions: (name) => (name === "leaf-disease" ? [MODEL] : []),
      isReady: () => state.ready,
    },
    rateLimit: limits,
    cache: {
      statistics: () => ({ hits: 1, misses: 2, shared: 1, evictions: 0, entries: 2, bytes: 100 }),
      invalidate: (key) => void forgotten.push(key),
      clear: () => void forgotten.push("everything"),
    },
    predictions: {
      find: (id) => (id === ROW.id ? ROW : null),
      page: () => ({ rows: [ROW], next: "bmV4dA" }),
    },
    health: new HealthMonitor({
      checks: {
        memory: {
          vital: false,
          unit: "bytes",
          threshold: 2,
          run: () => ({ state: "ok", figure: 1, unit: "bytes", threshold: 2 }),
        },
      },
      isReady: () => state.ready,
      isDraining: () => state.draining,
      clock,
    }),
    healthHistory: null,
    admission: () => ({
      admitted: 3,
      queued: 2,
      inFlight: 1,
      heldBytes: 4096,
      inFlightLimit: 4,
      gradient: 0.75,
      baselineMs: 80.5,
      queueLimit: 20,
      queueWaitMs: Number.POSITIVE_INFINITY,
    }),
    system: new SystemReader({
      dataDir: import.meta.dir,
      memoryLimitBytes: 1024,
      usableCores: 1,
      clock,
      eventLoopDelay: () => ({ meanMs: 0.1234567, maxMs: 20 }),
    }),
    metrics: new Metrics({ version: "1.2.3", bun: "1.4.5" }),
    clientHash: (key) => `hash-of-${key}`,
    state,
    tellOthers: (order) => void orders.push(order),
    ...options.services,
  };
  return { services, lines, requestLines, calls, clock, state, limits, forgotten, orders };
}

/** The JSON of an answer, whose shape the test is about to say. */
// biome-ignore lint/suspicious/noExplicitAny: what comes is what is being tested
export const jsonOf = async (response: Response): Promise<any> => response.json();
