import { PinholeError } from "../errors.ts";
import type { RowOutcome, WireImage } from "./messages.ts";
import type { BatchOutcome, WorkerPool } from "./worker-pool.ts";

/** Answers one row; what it throws is that row's failure. */
export type FakeNetwork = (image: WireImage, modelKey: string) => RowOutcome | Promise<RowOutcome>;

/** A pool without threads or networks, for tests of what stands before it. Keeps the real one's contract. */
export class FakeWorkerPool implements WorkerPool {
  readonly size: number;
  readonly #network: FakeNetwork;
  readonly #maxBatch: number;
  #listener: () => void = () => undefined;
  #state: "new" | "open" | "closed" = "new";
  #running = new Set<Promise<unknown>>();

  constructor(options: { size: number; network: FakeNetwork; maxBatch?: number }) {
    this.size = options.size;
    this.#network = options.network;
    this.#maxBatch = options.maxBatch ?? 8;
  }

  get idle(): number {
    return this.#state === "open" ? this.size - this.#running.size : 0;
  }

  get room(): number {
    return this.idle;
  }

  get freeInMs(): number {
    return this.idle > 0 ? 0 : Number.POSITIVE_INFINITY;
  }

  get busy(): number {
    return this.#running.size;
  }

  maxBatch(): number {
    return this.#maxBatch;
  }

  onRoom(listener: () => void): void {
    this.#listener = listener;
  }

  async start(): Promise<void> {
    this.#state = "open";
    this.#listener();
  }

  async run(modelKey: string, images: WireImage[]): Promise<BatchOutcome> {
    if (this.idle === 0)
      throw new PinholeError("MODEL_NOT_READY", "No worker is free for this model: try again shortly.");
    const moved = images.map((image) => ({ ...image, data: image.data.transfer() }));
    const work = Promise.all(moved.map((image) => this.#row(image, modelKey)));
    this.#running.add(work);
    const rows = await work;
    this.#running.delete(work);
    // As from a thread: the answer arrives first, the news that the worker is free right after it.
    queueMicrotask(() => this.#listener());
    return { rows, preprocessMs: 0, inferMs: 0, buffers: moved.map(({ data }) => data) };
  }

  async close(): Promise<void> {
    this.#state = "closed";
    await Promise.all(this.#running);
  }

  async #row(image: WireImage, modelKey: string): Promise<RowOutcome> {
    try {
      return await this.#network(image, modelKey);
    } catch (error) {
      return { ok: false, failure: PinholeError.toFailure(error) };
    }
  }
}
