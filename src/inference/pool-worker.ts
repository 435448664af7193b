import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { FromWorker, ToWorker, WireImage } from "./messages.ts";
import type { BatchOutcome } from "./worker-pool.ts";

interface Running {
  batch: number;
  resolve(outcome: BatchOutcome): void;
  reject(error: Error): void;
  /** Ends the watch over how long it takes. */
  unwatch(): void;
}

/**
 * loading -> idle <-> busy -> quarantined, when one batch takes too long. From each of the first three leaving,
 * when it was asked to; at the end gone, when the thread has ended.
 */
export const WORKER_STATES = ["loading", "idle", "busy", "quarantined", "leaving"] as const;

export type WorkerState = (typeof WORKER_STATES)[number] | "gone";

export interface PoolWorkerEvents {
  /** It can take a batch. */
  idle(): void;
  /** Its batch takes too long: the rows were failed, and it will never get another. */
  wedged(): void;
  /** The batch of a wedged thread has come to an end after all; the thread leaves. */
  returned(): void;
  /** The thread ended although nobody had asked it to. */
  lost(cause: string): void;
  /** The thread has ended, for whatever reason. */
  ended(): void;
}

/** A timer that comes later than this says that the whole process stood still, not that a worker is slow. */
const STANDSTILL_MS = 1000;

/**
 * One thread of the pool and what it is doing: at most one batch. Whatever ends it, what it ran is rejected and
 * whoever waits is told. Nothing here ends a thread from outside: native code in flight would abort the process.
 */
export class PoolWorker {
  readonly #thread: Worker;
  readonly #clock: Clock;
  readonly #wedgedMs: number | undefined;
  readonly #events: PoolWorkerEvents;
  readonly #exited = Promise.withResolvers<void>();
  readonly #loaded = Promise.withResolvers<Record<string, number>>();
  #state: Exclude<WorkerState, "leaving"> = "loading";
  /** Resolved while no batch runs that anybody waits for. */
  #settled = Promise.withResolvers<void>();
  #leaving = false;
  #running: Running | null = null;
  #batches = 0;

  /** @param options.wedgedMs how long one batch may take before the thread is taken for wedged; default: for ever */
  constructor(entry: URL, options: { clock: Clock; wedgedMs?: number; events: PoolWorkerEvents }) {
    this.#clock = options.clock;
    this.#wedgedMs = options.wedgedMs;
    this.#events = options.events;
    this.#settled.resolve();
    this.#thread = new Worker(entry);
    this.#thread.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#thread.onerror = (event) => {
      event.preventDefault();
      this.#gone(event.message);
    };
    this.#thread.addEventListener("close", () => this.#gone("the thread ended"));
  }

  get state(): WorkerState {
    return this.#leaving && this.#state !== "gone" && this.#state !== "quarantined" ? "leaving" : this.#state;
  }

  /** Batches that it has come to the end of. */
  get batches(): number {
    return this.#batches;
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
      this.#running = { batch, resolve, reject, unwatch: () => undefined };
      this.#watch(this.#running);
      this.#post(
        { kind: "run", batch, model, images },
        images.map((image) => image.data),
      );
    });
  }

  /** Asks the thread to give back memory that it does not use, once its batch is through. */
  collect(): void {
    if (this.#state === "idle" || this.#state === "busy") this.#post({ kind: "collect" });
  }

  /** Waits for the running batch, asks the thread to leave and waits until it has, unless it is wedged. */
  async leave(): Promise<void> {
    this.#leaving = true;
    if (this.#state === "loading") await this.#loaded.promise.catch(() => undefined);
    await this.#settled.promise;
    if (this.#state === "quarantined") return;
    if (this.#state !== "gone") this.#post({ kind: "leave" });
    await this.#exited.promise;
  }

  #watch(running: Running): void {
    const wedgedMs = this.#wedgedMs;
    if (wedgedMs === undefined) return;
    const due = this.#clock.now() + wedgedMs;
    running.unwatch = this.#clock.after(wedgedMs, () => {
      if (this.#clock.now() - due > STANDSTILL_MS) this.#watch(running);
      else this.#quarantine(running);
    });
  }

  #quarantine({ reject }: Running): void {
    this.#state = "quarantined";
    this.#running = null;
    reject(failed(`a batch took more than ${this.#wedgedMs} ms`));
    this.#settled.resolve();
    this.#events.wedged();
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
      case "done":
        this.#batches++;
        if (this.#state === "quarantined") {
          this.#post({ kind: "leave" });
          this.#events.returned();
        } else if (this.#running?.batch === message.batch) this.#done(this.#running, message);
    }
  }

  #done(running: Running, { rows, preprocessMs, inferMs }: Extract<FromWorker, { kind: "done" }>): void {
    running.unwatch();
    this.#running = null;
    this.#state = "idle";
    this.#settled.resolve();
    running.resolve({ rows, preprocessMs, inferMs });
    if (!this.#leaving) this.#events.idle();
  }

  #gone(cause: string): void {
    const before = this.#state;
    if (before === "gone") return;
    this.#state = "gone";
    this.#loaded.reject(new PinholeError("MODEL_NOT_READY", "A worker did not start.", { cause }));
    this.#running?.unwatch();
    this.#running?.reject(failed(cause));
    this.#running = null;
    this.#settled.resolve();
    this.#exited.resolve();
    // A thread that never got ready is reported by `load`; one that was to leave is no loss.
    if (!this.#leaving && (before === "idle" || before === "busy")) this.#events.lost(cause);
    this.#events.ended();
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#thread.postMessage(message, transfer);
  }
}

const failed = (cause: string) =>
  new PinholeError("INFERENCE_FAILED", "The photograph could not be classified.", { cause });
