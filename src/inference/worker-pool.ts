import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { FromWorker, RowOutcome, ToWorker, WireImage } from "./messages.ts";

export interface BatchOutcome {
  /** As many as there were images, in their order. */
  rows: RowOutcome[];
  preprocessMs: number;
  inferMs: number;
}

/** A fixed number of workers, each holding every model. One batch at a time for each. */
export interface WorkerPool {
  /** Workers that the pool is meant to have. */
  readonly size: number;
  /** Workers that are loaded, warm and free. */
  readonly idle: number;
  readonly busy: number;
  /** The most rows that the model's graph takes at once. */
  maxBatch(modelKey: string): number;
  /** Calls `listener` whenever a worker has become idle. */
  onIdle(listener: () => void): void;
  /** Loads every model in every worker; resolves once all are warm. Throws when one cannot. */
  start(): Promise<void>;
  /**
   * Runs one batch in an idle worker. The images' buffers are transferred: they are empty afterwards.
   * @throws PinholeError MODEL_NOT_READY when no worker is idle; INFERENCE_FAILED when the worker died
   */
  run(modelKey: string, images: WireImage[]): Promise<BatchOutcome>;
  /** Waits for running batches, then asks every worker to leave. Later runs are refused. */
  close(): Promise<void>;
}

export interface ThreadPoolOptions {
  /** Entry point of the thread. */
  worker: URL;
  size: number;
  models: readonly Model[];
  clock: Clock;
  /** Private news for the log: a worker died, a replacement started or failed. */
  onEvent?: (event: {
    event: "worker_lost" | "worker_replaced" | "worker_replacement_failed";
    worker: number;
    cause?: string;
  }) => void;
  /** Called once when so many replacements failed in a row that the pool cannot recover by itself. */
  onLost?: () => void;
}

/** First wait before a lost worker is replaced; doubles with every failure in a row. */
const REPLACE_BACKOFF_MS = 100;
const REPLACE_ATTEMPTS = 6;

interface Running {
  batch: number;
  rows: number;
  resolve(outcome: BatchOutcome): void;
  reject(error: Error): void;
}

/** The real pool. A thread is never terminated from outside: native code in flight would abort the process. */
export class ThreadPool implements WorkerPool {
  readonly #options: ThreadPoolOptions;
  readonly #members: PoolWorker[] = [];
  readonly #maxBatch = new Map<string, number>();
  #listener: () => void = () => undefined;
  #closing = false;
  #batches = 0;
  #failedReplacements = 0;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#options.size;
  }

  get idle(): number {
    return this.#closing ? 0 : this.#members.filter((member) => member.idle).length;
  }

  get busy(): number {
    return this.#members.filter((member) => member.running !== null).length;
  }

  maxBatch(modelKey: string): number {
    return this.#maxBatch.get(modelKey) ?? 1;
  }

  onIdle(listener: () => void): void {
    this.#listener = listener;
  }

  async start(): Promise<void> {
    const started = await Promise.allSettled(
      Array.from({ length: this.size }, (_, index) => this.#add(index)),
    );
    const failure = started.find((result) => result.status === "rejected");
    if (failure === undefined) return;
    await this.close();
    throw failure.reason;
  }

  run(modelKey: string, images: WireImage[]): Promise<BatchOutcome> {
    const member = this.#closing ? undefined : this.#members.find((candidate) => candidate.idle);
    if (member === undefined)
      return Promise.reject(
        new PinholeError("MODEL_NOT_READY", "No worker is free for this model: try again shortly."),
      );
    return member.run(++this.#batches, modelKey, images);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#members.map((member) => member.leave()));
    this.#members.length = 0;
  }

  async #add(index: number): Promise<void> {
    const member = new PoolWorker(this.#options.worker, {
      idle: () => this.#listener(),
      lost: (cause) => this.#replace(index, member, cause),
    });
    this.#members.push(member);
    try {
      const maxBatch = await member.load([...this.#options.models]);
      for (const [key, rows] of Object.entries(maxBatch)) this.#maxBatch.set(key, rows);
    } catch (error) {
      this.#remove(member);
      throw error;
    }
    this.#listener();
  }

  #remove(member: PoolWorker): void {
    const at = this.#members.indexOf(member);
    if (at !== -1) this.#members.splice(at, 1);
  }

  #replace(index: number, lost: PoolWorker, cause: string): void {
    this.#remove(lost);
    if (this.#closing) return;
    this.#options.onEvent?.({ event: "worker_lost", worker: index, cause });
    this.#tryReplacement(index);
  }

  #tryReplacement(index: number): void {
    const { clock, onEvent, onLost } = this.#options;
    const attempt = this.#failedReplacements;
    if (attempt === REPLACE_ATTEMPTS) {
      onLost?.();
      return;
    }
    clock.after(REPLACE_BACKOFF_MS * 2 ** attempt, () => {
      if (this.#closing) return;
      this.#add(index).then(
        () => {
          this.#failedReplacements = 0;
          onEvent?.({ event: "worker_replaced", worker: index });
        },
        (error) => {
          this.#failedReplacements++;
          onEvent?.({ event: "worker_replacement_failed", worker: index, cause: String(error) });
          this.#tryReplacement(index);
        },
      );
    });
  }
}

type State = "loading" | "idle" | "busy" | "gone";

/** One thread and what it is doing. */
class PoolWorker {
  readonly #thread: Worker;
  readonly #events: { idle(): void; lost(cause: string): void };
  readonly #exited = Promise.withResolvers<void>();
  #state: State = "loading";
  #loaded = Promise.withResolvers<Record<string, number>>();
  #settled = Promise.withResolvers<void>();
  #leaving = false;
  running: Running | null = null;

  constructor(entry: URL, events: { idle(): void; lost(cause: string): void }) {
    this.#events = events;
    this.#settled.resolve();
    this.#thread = new Worker(entry);
    this.#thread.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#thread.onerror = (event) => {
      event.preventDefault();
      this.#gone(event.message);
    };
    this.#thread.addEventListener("close", () => this.#gone("the thread ended"));
  }

  get idle(): boolean {
    return this.#state === "idle" && !this.#leaving;
  }

  /** Resolves with the most rows for each model once all are warm. */
  load(models: Model[]): Promise<Record<string, number>> {
    this.#post({ kind: "load", models });
    return this.#loaded.promise;
  }

  run(batch: number, model: string, images: WireImage[]): Promise<BatchOutcome> {
    this.#state = "busy";
    this.#settled = Promise.withResolvers();
    return new Promise((resolve, reject) => {
      this.running = { batch, rows: images.length, resolve, reject };
      this.#post(
        { kind: "run", batch, model, images },
        images.map((image) => image.data),
      );
    });
  }

  /** Waits for the running batch, asks the thread to leave and waits until it has. */
  async leave(): Promise<void> {
    this.#leaving = true;
    if (this.#state === "loading") await this.#loaded.promise.catch(() => undefined);
    await this.#settled.promise;
    if (this.#state !== "gone") this.#post({ kind: "leave" });
    await this.#exited.promise;
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "ready":
        this.#state = "idle";
        this.#loaded.resolve(message.maxBatch);
        break;
      case "load_failed":
        this.#loaded.reject(PinholeError.from(message.failure));
        // Its sessions are not open: nothing native is in flight, so it may be asked to leave.
        this.#post({ kind: "leave" });
        break;
      case "done": {
        const { running } = this;
        if (running === null || running.batch !== message.batch) return;
        this.running = null;
        this.#state = "idle";
        this.#settled.resolve();
        const { rows, preprocessMs, inferMs } = message;
        running.resolve({ rows, preprocessMs, inferMs });
        if (!this.#leaving) this.#events.idle();
      }
    }
  }

  #gone(cause: string): void {
    if (this.#state === "gone") return;
    const wasLoading = this.#state === "loading";
    this.#state = "gone";
    this.#loaded.reject(new PinholeError("MODEL_NOT_READY", "A worker did not start.", { cause }));
    const lost = new PinholeError("INFERENCE_FAILED", "The photograph could not be classified.", { cause });
    this.running?.reject(lost);
    this.running = null;
    this.#settled.resolve();
    this.#exited.resolve();
    // A thread that never got ready is reported by `load`; one that was asked to leave is no loss.
    if (!wasLoading && !this.#leaving) this.#events.lost(cause);
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#thread.postMessage(message, transfer);
  }
}
