import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { RowOutcome, WireImage } from "./messages.ts";
import { PoolWorker, type WorkerState } from "./pool-worker.ts";
import type { WorkerEvent, WorkerEventName } from "./worker-events.ts";

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
  /** How long one batch may take before its thread is taken for wedged. Default: for ever. */
  wedgedMs?: number;
  /**
   * Batches after which a worker is recycled, 0: never. A tenth more or less by `random`, uniform in [0, 1), so
   * that workers that started together do not leave together. Default: never.
   */
  recycle?: { batches: number; random: () => number };
  onEvent?: (event: WorkerEvent) => void;
  /** Called once when the pool cannot recover by itself: replacements fail, or too many threads are wedged. */
  onLost?: () => void;
}

/** First wait before a worker is replaced; doubles with every failure in a row. */
const REPLACE_BACKOFF_MS = 100;
const REPLACE_ATTEMPTS = 6;
const RECYCLE_RETRY_MS = 60_000;
const RECYCLE_JITTER = 0.1;

/**
 * The real pool. A thread is never terminated from outside, for native code in flight would abort the process:
 * one that is wedged is passed over and another started beside it; one that is done with is asked to leave.
 */
export class ThreadPool implements WorkerPool {
  readonly #options: ThreadPoolOptions;
  /** Every thread that has not ended, those in quarantine and on their way out included. */
  readonly #members: PoolWorker[] = [];
  readonly #maxBatch = new Map<string, number>();
  /** Replacements that have not come to the end of a batch yet. */
  readonly #unproven = new Set<PoolWorker>();
  readonly #recycleAt = new Map<PoolWorker, number>();
  #listener: () => void = () => undefined;
  #closing = false;
  #lost = false;
  #recycling = false;
  #batches = 0;
  /** Replacements in a row that did not start, or ended before they had proved themselves. */
  #failures = 0;
  #progressAt: number;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    this.#progressAt = options.clock.now();
  }

  get size(): number {
    return this.#options.size;
  }

  get idle(): number {
    return this.#closing ? 0 : this.count("idle");
  }

  get busy(): number {
    return this.count("busy");
  }

  /** Threads in this state now. */
  count(state: WorkerState): number {
    return this.#members.filter((member) => member.state === state).length;
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
      Array.from({ length: this.size }, (_, number) => this.#add(number)),
    );
    const failure = started.find((result) => result.status === "rejected");
    if (failure === undefined) return;
    await this.close();
    throw failure.reason;
  }

  /** Asks every worker to give back memory that it does not use. */
  collect(): void {
    for (const member of this.#members) member.collect();
  }

  run(modelKey: string, images: WireImage[]): Promise<BatchOutcome> {
    const member = this.#closing ? undefined : this.#members.find(({ state }) => state === "idle");
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
  }

  async #add(number: number): Promise<PoolWorker> {
    const { worker, models, clock, wedgedMs } = this.#options;
    const member = new PoolWorker(worker, {
      clock,
      wedgedMs,
      events: {
        idle: () => {
          this.#worked(number, member);
          this.#listener();
        },
        wedged: () => this.#wedged(number, member),
        returned: () => this.#tell("worker_returned", number),
        lost: (cause) => this.#missing(number, member, cause),
        ended: () => this.#forget(member),
      },
    });
    this.#members.push(member);
    const maxBatch = await member.load([...models]);
    for (const [key, rows] of Object.entries(maxBatch)) this.#maxBatch.set(key, rows);
    this.#recycleAt.set(member, this.#recyclingPoint());
    this.#listener();
    return member;
  }

  #forget(member: PoolWorker): void {
    const at = this.#members.indexOf(member);
    if (at !== -1) this.#members.splice(at, 1);
    this.#unproven.delete(member);
    this.#recycleAt.delete(member);
  }

  #worked(number: number, member: PoolWorker): void {
    if (this.#unproven.delete(member)) this.#failures = 0;
    if (member.batches >= this.#recycleAt.get(member)!) void this.#recycle(number, member);
  }

  #wedged(number: number, member: PoolWorker): void {
    this.#unproven.delete(member);
    this.#tell("worker_wedged", number);
    if (2 * this.count("quarantined") > this.size) this.#giveUp(number, "too many threads are wedged");
    else this.#replace(number);
  }

  #missing(number: number, member: PoolWorker, cause: string): void {
    if (this.#unproven.delete(member)) this.#failures++;
    this.#tell("worker_lost", number, cause);
    this.#replace(number);
  }

  /** Fills the place of one that is missing, unless another is on its way there already. */
  #replace(number: number): void {
    if (this.#closing || this.#lost) return;
    if (this.#failures >= REPLACE_ATTEMPTS) {
      this.#giveUp(number, "replacements fail");
      return;
    }
    this.#options.clock.after(REPLACE_BACKOFF_MS * 2 ** this.#failures, () => {
      if (this.#closing || this.#lost) return;
      this.#add(number).then(
        (member) => {
          this.#unproven.add(member);
          this.#tell("worker_replaced", number);
        },
        (error) => {
          this.#failures++;
          this.#tell("worker_replacement_failed", number, String(error));
          this.#replace(number);
        },
      );
    });
  }

  /** The new one is ready before the old one is asked to leave: there are never fewer than there should be. */
  async #recycle(number: number, old: PoolWorker): Promise<void> {
    if (this.#recycling || this.#closing) return;
    this.#recycling = true;
    try {
      const young = await this.#add(number);
      this.#tell("worker_recycled", number);
      // One that got lost meanwhile has been replaced, too: then it is the new one that is too many.
      void (old.state === "idle" || old.state === "busy" ? old : young).leave();
      this.#recycling = false;
    } catch (error) {
      this.#tell("worker_recycling_failed", number, String(error));
      this.#options.clock.after(RECYCLE_RETRY_MS, () => {
        this.#recycling = false;
      });
    }
  }

  #recyclingPoint(): number {
    const { recycle } = this.#options;
    if (recycle === undefined || recycle.batches === 0) return Number.POSITIVE_INFINITY;
    return Math.ceil(recycle.batches * (1 - RECYCLE_JITTER + 2 * RECYCLE_JITTER * recycle.random()));
  }

  #giveUp(number: number, cause: string): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#tell("pool_lost", number, cause);
    this.#options.onLost?.();
  }

  #tell(event: WorkerEventName, worker: number, cause?: string): void {
    if (!this.#closing) this.#options.onEvent?.({ event, worker, ...(cause === undefined ? {} : { cause }) });
  }
}
