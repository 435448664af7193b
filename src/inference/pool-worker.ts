import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { FromWorker, LoadedModel, ToWorker, WireImage } from "./messages.ts";
import type { BatchOutcome } from "./worker-pool.ts";

/** A batch that was handed to a worker. */
export interface HandedOver {
  number: number;
  model: string;
  images: WireImage[];
  /** How long it is likely to take. */
  expectedMs: number;
}

interface Running {
  batch: Pick<HandedOver, "number" | "expectedMs">;
  resolve(outcome: BatchOutcome): void;
  reject(error: Error): void;
}

/**
 * loading -> idle <-> busy -> quarantined, when one batch takes too long. From each of the first three leaving,
 * when it was asked to; at the end gone, when the thread has ended.
 */
export const WORKER_STATES = ["loading", "idle", "busy", "quarantined", "leaving"] as const;

export type WorkerState = (typeof WORKER_STATES)[number] | "gone";

export interface PoolWorkerEvents {
  /** It has come to the end of a batch, and can take another. */
  room(): void;
  /** Its batch takes too long: the rows were failed, and it will never get another. */
  wedged(): void;
  /** The batch of a wedged thread has come to an end after all; the thread leaves. */
  returned(): void;
  /** The thread ended although nobody had asked it to. */
  lost(cause: string): void;
  /** The thread has ended, for whatever reason. */
  ended(): void;
}

/** A batch that its worker never began: it can be run by another, but its pixels went down with that one. */
export class NotBegun extends PinholeError {
  constructor(cause: string) {
    super("INFERENCE_FAILED", "The photograph could not be classified.", { cause });
  }
}

/** A timer that comes later than this says that the whole process stood still, not that a worker is slow. */
const STANDSTILL_MS = 1000;
/** The batch that runs, and the next one, so that the thread need not wait for it. */
const MOST_BATCHES = 2;
/** A batch waits no longer behind another: by then something is wrong with that one, and others may be free. */
const WAIT_MS = 1000;

/**
 * One thread of the pool and what it is doing: a batch, and perhaps the next one waiting behind it. Whatever ends
 * it, what it had is rejected and whoever waits is told. Nothing here ends a thread from outside: native code in
 * flight would abort the process.
 */
export class PoolWorker {
  readonly #thread: Worker;
  readonly #clock: Clock;
  readonly #wedgedMs: number | undefined;
  readonly #events: PoolWorkerEvents;
  readonly #exited = Promise.withResolvers<void>();
  readonly #loaded = Promise.withResolvers<Record<string, LoadedModel>>();
  #state: Exclude<WorkerState, "leaving"> = "loading";
  /** Resolved while it has no batch that anybody waits for. */
  #settled = Promise.withResolvers<void>();
  #leaving = false;
  /** Whether a thread in quarantine has been asked to leave. */
  #isReturned = false;
  /** In the order in which the thread runs them; only the first has begun. */
  readonly #batches: Running[] = [];
  /** When the first of them began. */
  #beganAt = 0;
  /** Ends the watch over how long the first takes. */
  #unwatch: () => void = () => undefined;
  #ran = 0;

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
  get ran(): number {
    return this.#ran;
  }

  /** When it will likely be free, if another batch may wait behind the one that it runs; otherwise null. */
  get freeAt(): number | null {
    if (this.state !== "busy" || this.#batches.length >= MOST_BATCHES) return null;
    return this.#beganAt + this.#batches[0]!.batch.expectedMs;
  }

  /** Resolves once all models are warm, with what is known of each. */
  load(models: Model[]): Promise<Record<string, LoadedModel>> {
    this.#post({ kind: "load", models });
    return this.#loaded.promise;
  }

  /** @throws NotBegun when the thread was lost before it began this batch */
  run({ number, model, images, expectedMs }: HandedOver): Promise<BatchOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<BatchOutcome>();
    this.#batches.push({ batch: { number, expectedMs }, resolve, reject });
    if (this.#batches.length === 1) {
      this.#state = "busy";
      this.#settled = Promise.withResolvers();
      this.#begin();
    }
    this.#post(
      { kind: "run", batch: number, model, images },
      images.map((image) => image.data),
    );
    return promise;
  }

  /** Asks the thread to give back memory that it does not use, once its batch is through. */
  collect(): void {
    if (this.#state === "idle" || this.#state === "busy") this.#post({ kind: "collect" });
  }

  /** Waits for its batches, asks the thread to leave and waits until it has, unless it is wedged. */
  async leave(): Promise<void> {
    this.#leaving = true;
    if (this.#state === "loading") await this.#loaded.promise.catch(() => undefined);
    await this.#settled.promise;
    if (this.#state === "quarantined") return;
    if (this.#state !== "gone") this.#post({ kind: "leave" });
    await this.#exited.promise;
  }

  #begin(): void {
    this.#beganAt = this.#clock.now();
    const wedgedMs = this.#wedgedMs ?? Number.POSITIVE_INFINITY;
    const quarantine = () => this.#quarantine();
    if (wedgedMs <= WAIT_MS) this.#watch(wedgedMs, quarantine);
    else
      this.#watch(WAIT_MS, () => {
        this.#handBack(`the batch before took more than ${WAIT_MS} ms`);
        if (wedgedMs < Number.POSITIVE_INFINITY) this.#watch(wedgedMs - WAIT_MS, quarantine);
      });
  }

  #watch(delayMs: number, late: () => void): void {
    const due = this.#clock.now() + delayMs;
    this.#unwatch = this.#clock.after(delayMs, () => {
      if (this.#clock.now() - due > STANDSTILL_MS) this.#watch(delayMs, late);
      else late();
    });
  }

  /** What waits behind the batch that runs. The thread will run it all the same, for nobody. */
  #handBack(cause: string): void {
    for (const { reject } of this.#batches.splice(1)) reject(new NotBegun(cause));
  }

  #quarantine(): void {
    this.#state = "quarantined";
    this.#reject(`a batch took more than ${this.#wedgedMs} ms`);
    this.#events.wedged();
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "ready":
        this.#state = "idle";
        this.#loaded.resolve(message.models);
        break;
      case "load_failed":
        this.#loaded.reject(PinholeError.from(message.failure));
        // Its sessions are not open: nothing native is in flight, so it may be asked to leave.
        this.#post({ kind: "leave" });
        break;
      case "done":
        this.#ran++;
        if (this.#state === "quarantined") this.#returned();
        else if (this.#batches[0]?.batch.number === message.batch) this.#done(message);
    }
  }

  /** What may wait behind the batch has been given up: it is run before the thread hears that it should leave. */
  #returned(): void {
    if (this.#isReturned) return;
    this.#isReturned = true;
    this.#post({ kind: "leave" });
    this.#events.returned();
  }

  #done({ rows, preprocessMs, inferMs, buffers }: Extract<FromWorker, { kind: "done" }>): void {
    this.#unwatch();
    const { resolve } = this.#batches.shift()!;
    if (this.#batches.length > 0) this.#begin();
    else {
      this.#state = "idle";
      this.#settled.resolve();
    }
    resolve({ rows, preprocessMs, inferMs, buffers });
    if (!this.#leaving) this.#events.room();
  }

  #gone(cause: string): void {
    const before = this.#state;
    if (before === "gone") return;
    this.#state = "gone";
    this.#loaded.reject(new PinholeError("MODEL_NOT_READY", "A worker did not start.", { cause }));
    this.#unwatch();
    this.#reject(cause);
    this.#exited.resolve();
    // A thread that never got ready is reported by `load`; one that was to leave is no loss.
    if (!this.#leaving && (before === "idle" || before === "busy")) this.#events.lost(cause);
    this.#events.ended();
  }

  /** The batch that ran has failed; one behind it has not begun. */
  #reject(cause: string): void {
    this.#handBack(cause);
    const ran = this.#batches.pop();
    ran?.reject(new PinholeError("INFERENCE_FAILED", "The photograph could not be classified.", { cause }));
    this.#settled.resolve();
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#thread.postMessage(message, transfer);
  }
}
