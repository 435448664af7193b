import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { RowOutcome, WireImage } from "./messages.ts";
import { PoolWorker } from "./pool-worker.ts";

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

/** The real pool. A thread is never terminated from outside: native code in flight would abort the process. */
export class ThreadPool implements WorkerPool {
  readonly #options: ThreadPoolOptions;
  readonly #members: PoolWorker[] = [];
  readonly #maxBatch = new Map<string, number>();
  #listener: () => void = () => undefined;
  #closing = false;
  #batches = 0;
  #failedReplacements = 0;
  #progressAt: number;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    this.#progressAt = options.clock.now();
  }

  get size(): number {
    return this.#options.size;
  }

  get idle(): number {
    return this.#closing ? 0 : this.#members.filter((member) => member.idle).length;
  }

  get busy(): number {
    return this.#members.filter((member) => member.busy).length;
  }

  /** For how long no worker has been free and no batch has ended or begun; 0 while one is free or none runs. */
  get stalledMs(): number {
    return this.idle > 0 || this.busy === 0 ? 0 : this.#options.clock.now() - this.#progressAt;
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
    this.#progressAt = this.#options.clock.now();
    return member.run(++this.#batches, modelKey, images).finally(() => {
      this.#progressAt = this.#options.clock.now();
    });
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
