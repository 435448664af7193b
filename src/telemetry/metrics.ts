import { AggregatorRegistry, Gauge, Registry } from "prom-client";
import type { DropReason } from "../admission/drop.ts";
import { CATALOGUE, type ErrorCode } from "../errors.ts";
import { DECODER_NAMES, type DecoderName } from "../inference/decode.ts";
import type { PredictAnswer } from "../inference/prediction.ts";
import { WORKER_EVENTS, type WorkerEventName } from "../inference/worker-events.ts";
import { type Gauges, registerGauges } from "./gauges.ts";
import type { MemoryStage } from "./memory-stages.ts";
import type { MetricSnapshot } from "./merge-metrics.ts";
import { ModelMetrics } from "./model-metrics.ts";
import { Counter, type CounterSeries, Histogram, type HistogramSeries } from "./series.ts";
import { answerMs, STAGES, type Timings } from "./stages.ts";

export type { Gauges } from "./gauges.ts";

/** Seconds: a cached answer takes 0.1 ms, a wedged one the deadline. */
const STAGE_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
];
const REQUEST_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
/** Fine around the deadline, 10 s by default: an alert asks how near to it the slowest answers come. */
const ANSWER_BUCKETS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10, 15, 30, 60];

/** Clients may invent more. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Why a request ended without an answer to it: an error of the catalogue, or nobody was left to answer. */
export type Outcome = ErrorCode | "client_gone";

type StageSeries = Record<keyof Timings, HistogramSeries>;
type OutcomeSeries = Record<Outcome, CounterSeries>;

/** What may be wrong with a photograph beside others that are answered. */
const IMAGE_OUTCOMES: readonly string[] = [
  "ok",
  "EMPTY_IMAGE",
  "FILE_TOO_LARGE",
  "UNSUPPORTED_IMAGE_TYPE",
  "INVALID_IMAGE",
  "TOO_MANY_PIXELS",
  "TOO_MANY_SCANS",
  "INFERENCE_FAILED",
];

const OUTCOMES: readonly Outcome[] = [...(Object.keys(CATALOGUE) as ErrorCode[]), "client_gone"];

/**
 * All figures of the process in the Prometheus format. What happens is counted here by whoever does it; what
 * is (queues, caches, memory) is read through `Gauges` when somebody scrapes. Every label value comes from a
 * closed list (route patterns, stages, codes, models), so that no client can make series.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #models: ModelMetrics;
  readonly #stages: StageSeries;
  readonly #answerSeconds: HistogramSeries;
  readonly #requestSeconds: Histogram;
  readonly #outcomes: OutcomeSeries;
  readonly #images: Counter;
  readonly #decoded: Record<DecoderName, CounterSeries>;
  readonly #drops: Counter;
  readonly #residentMemory: Gauge<"stage">;
  #refresh: () => Promise<void> = async () => undefined;
  #ofAll: ((own: MetricSnapshot[]) => Promise<MetricSnapshot[]>) | null = null;
  readonly #workerEvents: Counter;

  /** @param build what this process is: shown as labels of `pinhole_build_info` */
  constructor(build: { version: string; bun: string }) {
    const registry = this.#registry;
    this.#models = new ModelMetrics(this.#registry);
    const stages = new Histogram({
      name: "pinhole_stage_duration_seconds",
      help: "Time that one request spent at each station of the walk.",
      buckets: STAGE_BUCKETS,
      registry,
    });
    const names = [...STAGES, "total"] as const;
    // Series that are there from the start: an alert can't see the first step of one that comes up later.
    this.#stages = Object.fromEntries(names.map((stage) => [stage, stages.labels({ stage })])) as StageSeries;
    this.#answerSeconds = new Histogram({
      name: "pinhole_answer_duration_seconds",
      help: "Time from the last byte of a prediction's body to its answer: what the deadline bounds.",
      buckets: ANSWER_BUCKETS,
      registry,
    }).labels({});
    this.#requestSeconds = new Histogram({
      name: "pinhole_http_request_duration_seconds",
      help: "Time from the head of a request to the end of its handler, by route and status.",
      buckets: REQUEST_BUCKETS,
      registry,
    });
    const outcomes = new Counter({
      name: "pinhole_errors_total",
      help: "Requests that ended in an error, by its code.",
      registry,
    });
    this.#outcomes = Object.fromEntries(
      OUTCOMES.map((code) => [code, outcomes.labels({ code })]),
    ) as OutcomeSeries;
    this.#images = new Counter({
      name: "pinhole_images_total",
      help: "Photographs of answered requests, by what became of them.",
      registry,
    });
    for (const outcome of IMAGE_OUTCOMES) this.#images.labels({ outcome });
    const decoded = new Counter({
      name: "pinhole_images_decoded_total",
      help: "Photographs decoded, by the decoder.",
      registry,
    });
    this.#decoded = Object.fromEntries(
      DECODER_NAMES.map((decoder) => [decoder, decoded.labels({ decoder })]),
    ) as Record<DecoderName, CounterSeries>;
    this.#drops = new Counter({
      name: "pinhole_tasks_dropped_total",
      help: "Tasks that were dropped before a costly step because nobody waited for them, by reason.",
      registry,
    });
    for (const reason of ["client_gone", "deadline"] satisfies DropReason[]) this.#drops.labels({ reason });
    this.#workerEvents = new Counter({
      name: "pinhole_worker_events_total",
      help: "What happened to workers: lost, wedged, replaced, recycled and so on.",
      registry,
    });
    for (const event of Object.keys(WORKER_EVENTS)) this.#workerEvents.labels({ event });
    this.#residentMemory = new Gauge({
      name: "pinhole_resident_memory_stage_bytes",
      help: "Resident memory at the last time that the process came to each stage: start, loaded, warm, minute, drain.",
      labelNames: ["stage"],
      registers: [registry],
    });
    new Gauge({
      name: "pinhole_build_info",
      help: "Always 1; what runs is in the labels.",
      labelNames: ["version", "bun"],
      registers: [registry],
    }).set({ version: build.version, bun: build.bun }, 1);
  }

  /** Where the figures of the running parts are read when somebody scrapes. Once, after they are built. */
  observe(gauges: Gauges): void {
    this.#refresh = registerGauges(this.#registry, gauges);
  }

  /** The models that there will be figures of. @param modelKeys each "name/version" */
  expectModels(modelKeys: readonly string[]): void {
    for (const key of modelKeys) this.#models.expect(key);
  }

  /** @param route the route's pattern, never a path that a client wrote */
  request(route: string, sentMethod: string, status: number, durationMs: number): void {
    const method = METHODS.has(sentMethod) ? sentMethod : "other";
    this.#requestSeconds.labels({ route, method, status: String(status) }).observe(durationMs / 1000);
  }

  /** @param timings in ms, as they stand in the answer */
  timings(timings: Timings): void {
    for (const stage in timings) {
      const durationMs = timings[stage as keyof Timings];
      if (durationMs !== undefined) this.#stages[stage as keyof Timings].observe(durationMs / 1000);
    }
    const durationMs = answerMs(timings);
    if (durationMs !== null) this.#answerSeconds.observe(durationMs / 1000);
  }

  answer(answer: PredictAnswer): void {
    this.#models.answer(answer);
    for (const image of answer.images)
      this.#images.labels({ outcome: image.status === "ok" ? "ok" : image.error.code }).inc();
  }

  /** A request for a prediction that had found its model and was not answered. */
  failure(modelKey: string, outcome: Outcome): void {
    this.#models.failure(modelKey, outcome);
  }

  error(code: Outcome): void {
    this.#outcomes[code].inc();
  }

  /** A batch that was handed to a worker. */
  batch(modelKey: string, rows: number): void {
    this.#models.batch(modelKey, rows);
  }

  /** A batch that a worker has run. @param rows those that were answered */
  run(modelKey: string, rows: number): void {
    this.#models.run(modelKey, rows);
  }

  decoded(decoder: DecoderName): void {
    this.#decoded[decoder].inc();
  }

  drop(reason: DropReason): void {
    this.#drops.labels({ reason }).inc();
  }

  residentMemory(stage: MemoryStage, bytes: number): void {
    this.#residentMemory.set({ stage }, bytes);
  }

  workerEvent(event: WorkerEventName): void {
    this.#workerEvents.labels({ event }).inc();
  }

  /**
   * The text exposition format, and its media type.
   * @throws what `ofAll` throws: part of the figures would look like a restart of the rest
   */
  async exposition(): Promise<{ body: string; contentType: string }> {
    const registry =
      this.#ofAll === null ? this.#registry : rendered(await this.#ofAll(await this.snapshot()));
    if (this.#ofAll === null) await this.#refresh();
    return { body: await registry.metrics(), contentType: registry.contentType };
  }

  /** This process's own figures. */
  async snapshot(): Promise<MetricSnapshot[]> {
    await this.#refresh();
    return (await this.#registry.getMetricsAsJSON()) as unknown as MetricSnapshot[];
  }

  /** From now on the exposition shows the figures of several processes. @param ofAll makes them of this one's */
  exposeAll(ofAll: (own: MetricSnapshot[]) => Promise<MetricSnapshot[]>): void {
    this.#ofAll = ofAll;
  }
}

function rendered(metrics: MetricSnapshot[]): Registry {
  return AggregatorRegistry.aggregate([metrics.map((metric) => ({ ...metric, aggregator: "first" }))]);
}
