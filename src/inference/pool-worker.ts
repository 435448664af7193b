import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { FromWorker, ToWorker, WireImage } from "./messages.ts";
import type { BatchOutcome } from "./worker-pool.ts";

interface Running {
  batch: number;
  resolve(outcome: BatchOutcome): void;
  reject(error: Error): void;
}

type State = "loading" | "idle" | "busy" | "gone";

/**
 * One thread of the pool and what it is doing: at most one batch. Whatever ends it, what it ran is rejected and
 * whoever waits is told.
 */
export class PoolWorker {
  readonly #thread: Worker;
  readonly #events: { idle(): void; lost(cause: string): void };
  readonly #exited = Promise.withResolvers<void>();
  #state: State = "loading";
  #loaded = Promise.withResolvers<Record<string, number>>();
  #settled = Promise.withResolvers<void>();
  #leaving = false;
  #running: Running | null = null;

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

  get busy(): boolean {
    return this.#running !== null;
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
      this.#running = { batch, resolve, reject };
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
        const running = this.#running;
        if (running === null || running.batch !== message.batch) return;
        this.#running = null;
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
    this.#running?.reject(lost);
    this.#running = null;
    this.#settled.resolve();
    this.#exited.resolve();
    // A thread that never got ready is reported by `load`; one that was asked to leave is no loss.
    if (!wasLoading && !this.#leaving) this.#events.lost(cause);
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#thread.postMessage(message, transfer);
  }
}
