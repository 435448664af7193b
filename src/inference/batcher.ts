import { ClientGone, type DropReason } from "../admission/drop.ts";
import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { ImageMemory } from "./buffer-pool.ts";
import type { ImageTensor } from "./image.ts";
import type { RawRow } from "./messages.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** One image tensor on its way to a worker. A task is one row. */
export interface Task {
  model: Model;
  /** Handed over: its buffer is gone from this thread once the task runs. */
  image: ImageTensor;
  explain: boolean;
  /** Why nobody waits for this any more, or null. Asked right before the task would run. */
  unwanted(): DropReason | null;
}

export interface TaskOutcome {
  row: RawRow;
  /** All the time from being submitted to being answered in which the worker was not at this batch. */
  queueMs: number;
  /** Of the batch that the row was in, in the worker. */
  preprocessMs: number;
  inferMs: number;
  /** Of that batch. */
  rows: number;
}

interface Waiting {
  task: Task;
  since: number;
  resolve(outcome: TaskOutcome): void;
  reject(error: Error): void;
}

/**
 * A batch that could still grow is handed over this long before a worker is likely to be free for it: in time for
 * the worker not to wait, and as late as can be, for what comes meanwhile goes with it.
 */
const LEAD_MS = 2;

/**
 * Opportunistic batching: a task is handed over at once when a worker is idle, and what waits when one is about to
 * be goes together, up to the largest batch of the manifest that pays; a full one goes as soon as there is room. With
 * several idle workers the waiting tasks are shared out among them. A manifest's `max_wait_ms` lets a lone task wait
 * for company.
 * A task that nobody wants any more is dropped before it runs.
 */
export class Batcher {
  readonly #pool: WorkerPool;
  readonly #clock: Clock;
  readonly #onBatch: (model: Model, size: number) => void;
  readonly #onRun: (model: Model, rows: number) => void;
  readonly #onDrop: (reason: DropReason) => void;
  readonly #memory: Pick<ImageMemory, "give">;
  /** By model key, oldest first; a key is absent when nothing waits for its model. */
  readonly #queues = new Map<string, Waiting[]>();
  #wakeAt: (() => void) | null = null;

  /**
   * @param options.onBatch told of each batch that is handed to a worker, and its rows
   * @param options.onRun told of each batch that a worker has run, and how many of its rows were answered
   * @param options.memory where image tensors go that nobody reads any more
   */
  constructor(options: {
    pool: WorkerPool;
    clock: Clock;
    onBatch?: (model: Model, size: number) => void;
    onRun?: (model: Model, rows: number) => void;
    onDrop?: (reason: DropReason) => void;
    memory?: Pick<ImageMemory, "give">;
  }) {
    this.#pool = options.pool;
    this.#clock = options.clock;
    this.#onBatch = options.onBatch ?? (() => undefined);
    this.#onRun = options.onRun ?? (() => undefined);
    this.#onDrop = options.onDrop ?? (() => undefined);
    this.#memory = options.memory ?? { give: () => undefined };
    this.#pool.onRoom(() => this.#dispatch());
  }

  /** Tasks that wait for a worker. */
  get waiting(): number {
    let count = 0;
    for (const queue of this.#queues.values()) count += queue.length;
    return count;
  }

  /**
   * Runs one row.
   * @throws PinholeError INFERENCE_FAILED, MODEL_NOT_READY; DEADLINE_EXCEEDED or ClientGone when it was dropped
   * @throws NotBegun when its worker was lost before it came to this row
   */
  submit(task: Task): Promise<TaskOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<TaskOutcome>();
    const waiting = { task, since: this.#clock.now(), resolve, reject };
    const queue = this.#queues.get(task.model.key);
    if (queue) queue.push(waiting);
    else this.#queues.set(task.model.key, [waiting]);
    this.#dispatch();
    return promise;
  }

  /** Rejects everything that waits: the pool is lost or closed. */
  abandon(error: Error): void {
    for (const queue of this.#queues.values()) for (const waiting of queue) waiting.reject(error);
    this.#queues.clear();
  }

  #dispatch(): void {
    while (this.#pool.room > 0) {
      const batch = this.#nextBatch();
      if (batch === null) return;
      void this.#run(batch);
    }
  }

  /** The batch whose first task has waited longest and is due. */
  #nextBatch(): Waiting[] | null {
    this.#wakeAt?.();
    this.#wakeAt = null;
    const now = this.#clock.now();
    const spareMs = this.#pool.freeInMs - LEAD_MS;
    let next: Waiting[] | null = null;
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const [key, queue] of this.#queues) {
      this.#dropUnwanted(queue);
      const head = queue[0];
      if (head === undefined) {
        this.#queues.delete(key);
        continue;
      }
      const isFull = queue.length >= this.#largest(head.task.model);
      const waitMs = isFull
        ? 0
        : Math.max(head.since + head.task.model.manifest.batch.max_wait_ms - now, spareMs);
      if (waitMs > 0) soonestMs = Math.min(soonestMs, waitMs);
      else if (next === null || head.since < next[0]!.since) next = queue;
    }
    if (next === null) {
      if (soonestMs < Number.POSITIVE_INFINITY)
        this.#wakeAt = this.#clock.after(soonestMs, () => this.#dispatch());
      return null;
    }
    const share = Math.ceil(next.length / Math.max(1, this.#pool.idle));
    return next.splice(0, Math.min(share, this.#largest(next[0]!.task.model)));
  }

  #largest(model: Model): number {
    return Math.min(model.manifest.batch.max_size, this.#pool.maxBatch(model.key));
  }

  #dropUnwanted(queue: Waiting[]): void {
    for (let i = queue.length - 1; i >= 0; i--) {
      const reason = queue[i]!.task.unwanted();
      if (reason === null) continue;
      const [dropped] = queue.splice(i, 1);
      this.#onDrop(reason);
      this.#memory.give(dropped!.task.image.data.buffer);
      dropped!.reject(reason === "client_gone" ? new ClientGone() : deadlineExceeded());
    }
  }

  async #run(batch: Waiting[]): Promise<void> {
    const model = batch[0]!.task.model;
    this.#onBatch(model, batch.length);
    try {
      const images = batch.map(({ task: { image, explain } }) => ({
        data: image.data.buffer,
        width: image.width,
        height: image.height,
        explain,
      }));
      const { rows, preprocessMs, inferMs, buffers } = await this.#pool.run(model.key, images);
      for (const buffer of buffers) this.#memory.give(buffer);
      this.#onRun(model, rows.filter(({ ok }) => ok).length);
      const takenAt = this.#clock.now() - preprocessMs - inferMs;
      batch.forEach((waiting, index) => {
        const outcome = rows[index]!;
        const queueMs = Math.max(0, takenAt - waiting.since);
        const took = { queueMs, preprocessMs, inferMs, rows: batch.length };
        if (outcome.ok) waiting.resolve({ row: outcome.row, ...took });
        else waiting.reject(PinholeError.from(outcome.failure));
      });
    } catch (error) {
      for (const waiting of batch) waiting.reject(error as Error);
    }
  }
}

function deadlineExceeded(): PinholeError {
  return new PinholeError(
    "DEADLINE_EXCEEDED",
    "The answer was not ready before the deadline: try again later.",
  );
}
