import { systemClock } from "../clock.ts";
import { WORKER } from "../evaluation/walk.ts";
import { BufferPool } from "../inference/buffer-pool.ts";
import type { ImageTensor } from "../inference/image.ts";
import type { WireImage } from "../inference/messages.ts";
import { ThreadPool } from "../inference/worker-pool.ts";
import type { Manifest, Model } from "../model-repository/manifest.ts";

const LEAST_ROUNDS = 7;
const MOST_ROUNDS = 60;
/**
 * How many times in a row, without a pause, and about how long a model runs for one sample: between two runs a busy
 * server's worker does not sleep, and one that slept finds caches full of something else.
 */
const BURST_RUNS = 40;
const BURST_MS = 100;

const IDLE_BYTES = 64 * 1024 * 1024;

/** The same model with something else in its manifest, under a key of its own. */
export function variant(model: Model, name: string, change: Partial<Manifest>): Model {
  return { ...model, key: `${model.key}#${name}`, manifest: { ...model.manifest, ...change } };
}

/** The same model with so many photographs at once. */
export function inBatches(model: Model, rows: number): Model {
  return variant(model, `${rows}`, { batch: { max_size: rows, max_wait_ms: 0 } });
}

/** Threads of the server that run models on decoded photographs and are looked at while they do. */
export class Stopwatch implements AsyncDisposable {
  readonly #pool: ThreadPool;
  readonly #images: readonly ImageTensor[];
  /** By model key: runs of a burst. */
  readonly #runs = new Map<string, number>();
  readonly #memory = new BufferPool({ maxBytes: IDLE_BYTES });
  #next = 0;

  private constructor(pool: ThreadPool, images: readonly ImageTensor[]) {
    this.#pool = pool;
    this.#images = images;
  }

  static async open(
    models: readonly Model[],
    images: readonly ImageTensor[],
    workers = 1,
  ): Promise<Stopwatch> {
    const pool = new ThreadPool({ worker: WORKER, size: workers, models, clock: systemClock });
    await pool.start();
    return new Stopwatch(pool, images);
  }

  /**
   * Times models in turn, every second round in reverse, for about so long, each with its largest batch.
   * @returns by model and by round: milliseconds that the network took for one photograph
   */
  async interleaved(models: readonly Model[], seconds: number): Promise<number[][]> {
    const samples: number[][] = models.map(() => []);
    for (const model of models) await this.#burst(model);
    const endsAt = systemClock.now() + 1000 * seconds;
    const isEnough = (round: number) => round >= LEAST_ROUNDS && systemClock.now() >= endsAt;
    for (let round = 0; round < MOST_ROUNDS && !isEnough(round); round++) {
      const order = [...models.keys()];
      for (const index of round % 2 === 0 ? order : order.reverse())
        samples[index]!.push((await this.#burst(models[index]!)).ms);
    }
    return samples;
  }

  /** Photographs a second with every worker at work. */
  async perSecond(model: Model, seconds: number): Promise<number> {
    const startedAt = systemClock.now();
    const endsAt = startedAt + 1000 * seconds;
    let count = 0;
    const work = async () => {
      while (systemClock.now() < endsAt) {
        const { photographs } = await this.#burst(model);
        // Not in one with the line above: that would add to what the count was before the wait.
        count += photographs;
      }
    };
    await Promise.all(Array.from({ length: this.#pool.size }, work));
    return (1000 * count) / (systemClock.now() - startedAt);
  }

  /** The thread itself takes a burst apart into batches. */
  async #burst(model: Model): Promise<{ photographs: number; ms: number }> {
    const rows = model.manifest.batch.max_size;
    const photographs = rows * (this.#runs.get(model.key) ?? 1);
    const outcome = await this.#pool.run(
      model.key,
      Array.from({ length: photographs }, () => this.#image()),
    );
    for (const buffer of outcome.buffers) this.#memory.give(buffer);
    const failed = outcome.rows.find((row) => !row.ok);
    if (failed && !failed.ok) throw new Error(failed.failure.cause ?? failed.failure.detail);
    const ms = outcome.inferMs / photographs;
    const fitting = Math.round(BURST_MS / Math.max(ms * rows, Number.EPSILON));
    this.#runs.set(model.key, Math.min(BURST_RUNS, Math.max(1, fitting)));
    return { photographs, ms };
  }

  /** A copy, for the worker gets it for good; in memory that came back, for fresh memory costs the kernel's time. */
  #image(): WireImage {
    const { data, width, height } = this.#images[this.#next++ % this.#images.length]!;
    const copy = this.#memory.take(data.byteLength);
    copy.set(data);
    return { data: copy.buffer, width, height, explain: false };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }
}
