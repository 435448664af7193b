import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { LoadedModel, RowOutcome, WireImage } from "./messages.ts";
import { PoolWorker, type WorkerState } from "./pool-worker.ts";
import type { WorkerEvent, WorkerEventName } from "./worker-events.ts";

export interface BatchOutcome {
  /** As many as there were images, in their order. */
  rows: RowOutcome[];
  preprocessMs: number;
  inferMs: number;
  /** The images' buffers, which nobody reads any more. */
  buffers: ArrayBuffer[];
}

/**
 * A fixed number of workers, each holding every model and running one batch at a time. The next one may be handed
 * over before that has ended, so that the worker need not wait for it.
 */
export interface WorkerPool {
  /** Workers that the pool is meant to have. */
  readonly size: number;
  /** Workers that are loaded, warm and free. */
  readonly idle: number;
  readonly busy: number;
  /** Batches that are well handed over now, each to a worker of its own. */
  readonly room: number;
  /** Until the first worker that has room is likely to be free, ms: 0 while one is idle, infinite without room. */
  readonly freeInMs: number;
  /** The most rows of this model that are worth running at once, and that its graph takes. */
  maxBatch(modelKey: string): number;
  /** Calls `listener` whenever there is more room. */
  onRoom(listener: () => void): void;
  /** Loads every model in every worker; resolves once all are warm. Throws when one cannot. */
  start(): Promise<void>;
  /**
   * Runs one batch. The images' buffers are transferred: they are empty afterwards.
   * @throws PinholeError MODEL_NOT_READY when no worker can take it; INFERENCE_FAILED when the worker died
   * @throws NotBegun when the worker died or was wedged before it came to this batch
   */
  run(modelKey: string, images: WireImage[]): Promise<BatchOutcome>;
  /** Waits for batches that were handed over, then asks every worker to leave. Later runs are refused. */
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
  /** Told at the start of each model that can be run in batches whether that pays, and of the times behind it. */
  onTimed?: (model: Model, times: LoadedModel & { pays: boolean }) => void;
  /** Called once when the pool cannot recover by itself: replacements fail, or too many threads are wedged. */
  onLost?: () => void;
}

/** First wait before a worker is replaced; doubles with every failure in a row. */
const REPLACE_BACKOFF_MS = 100;
const REPLACE_ATTEMPTS = 6;
const RECYCLE_RETRY_MS = 60_000;
const RECYCLE_JITTER = 0.1;
/**
 * A batch is handed over to wait behind another only where that is likely to end within this time: the round trip
 * that it saves is some 0.1 ms, and meanwhile another worker may become idle, or nobody may want it any more.
 */
const AHEAD_MS = 25;
/**
 * Batches are run only where a row of them, its share of the hand-over included, takes at most this share of a row that
 * is handed over alone: they cost latency. Under load they save more than what is timed at the start: resnet50, timed
 * 0.945 to 0.966, takes 0.93 of the CPU time.
 */
const BATCH_PAYS = 0.97;
/**
 * What a batch costs beside its rows, on both threads: messages, wake-ups, a call of the runtime. 0.3 ms of CPU time by
 * the default model with 3.5 rows in a batch and with one; set lower, for the sake of latency.
 */
const HAND_OVER_MS = 0.2;
/** Weight of the last batch in what a row is expected to take. */
const ROW_SMOOTHING = 0.1;

/**
 * The real pool. A thread is never terminated from outside, for native code in flight would abort the process:
 * one that is wedged is passed over and another started beside it; one that is done with is asked to leave.
 */
export class ThreadPool implements WorkerPool {
  readonly #options: ThreadPoolOptions;
  /** Every thread that has not ended, those in quarantine and on their way out included. */
  readonly #members: PoolWorker[] = [];
  /** By model key: the best times that any worker had, and whether batches pay. Of the first start. */
  readonly #timed = new Map<string, LoadedModel & { pays: boolean }>();
  /** By model key: what a row has taken lately, ms. */
  readonly #rowMs = new Map<string, number>();
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

  get room(): number {
    return this.#closing ? 0 : this.idle + this.#members.filter((member) => this.#isFreeSoon(member)).length;
  }

  get freeInMs(): number {
    if (this.#closing) return Number.POSITIVE_INFINITY;
    if (this.idle > 0) return 0;
    const soonest = Math.min(
      ...this.#members.map((member) =>
        this.#isFreeSoon(member) ? member.freeAt! : Number.POSITIVE_INFINITY,
      ),
    );
    return Math.max(0, soonest - this.#options.clock.now());
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
    const timed = this.#timed.get(modelKey);
    return timed?.pays ? timed.maxBatch : 1;
  }

  onRoom(listener: () => void): void {
    this.#listener = listener;
  }

  async start(): Promise<void> {
    const started = await Promise.allSettled(
      Array.from({ length: this.size }, (_, number) => this.#add(number)),
    );
    const failure = started.find((result) => result.status === "rejected");
    if (failure !== undefined) {
      await this.close();
      throw failure.reason;
    }
    const loads = started.flatMap((result) => (result.status === "fulfilled" ? [result.value.models] : []));
    for (const model of this.#options.models)
      this.#judge(
        model,
        loads.flatMap((load) => load[model.key] ?? []),
      );
    this.#listener();
  }

  /** Asks every worker to give back memory that it does not use. */
  collect(): void {
    for (const member of this.#members) member.collect();
  }

  run(modelKey: string, images: WireImage[]): Promise<BatchOutcome> {
    const member = this.#closing ? undefined : this.#nextFree();
    if (member === undefined)
      return Promise.reject(
        new PinholeError("MODEL_NOT_READY", "No worker is free for this model: try again shortly."),
      );
    if (member.state === "idle") this.#progressed();
    const rows = images.length;
    const expectedMs = rows * (this.#rowMs.get(modelKey) ?? Number.POSITIVE_INFINITY);
    const batch = { number: ++this.#batches, model: modelKey, images, expectedMs };
    return member.run(batch).then((outcome) => {
      this.#took(modelKey, (outcome.preprocessMs + outcome.inferMs) / rows);
      return outcome;
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#members.map((member) => member.leave()));
  }

  /** Beside other threads, and with photographs to resize, a row takes longer than it did at load. */
  #took(modelKey: string, rowMs: number): void {
    const before = this.#rowMs.get(modelKey) ?? rowMs;
    this.#rowMs.set(modelKey, before + ROW_SMOOTHING * (rowMs - before));
  }

  /**
   * An idle one, or else the one that should be idle nearest to now. Who asked for room may be late with the batch, as
   * on a machine that is busy with others: what was free soon then is not refused now.
   */
  #nextFree(): PoolWorker | undefined {
    const idle = this.#members.find(({ state }) => state === "idle");
    if (idle !== undefined) return idle;
    let next: PoolWorker | undefined;
    for (const member of this.#members)
      if (member.freeAt !== null && (next === undefined || this.#off(member) < this.#off(next)))
        next = member;
    return next;
  }

  /** One that should have been free for long is not trusted to be so soon. */
  #isFreeSoon(member: PoolWorker): boolean {
    return member.freeAt !== null && this.#off(member) <= AHEAD_MS;
  }

  /** How far from now it should be free, before or after, ms. */
  #off({ freeAt }: PoolWorker): number {
    return Math.abs(freeAt! - this.#options.clock.now());
  }

  /** Workers warm up side by side and disturb each other: the best time of any is the truest. */
  #judge(model: Model, loads: readonly LoadedModel[]): void {
    const best = (time: "singleMs" | "rowMs") => Math.min(...loads.map((load) => load[time]));
    const [singleMs, rowMs, maxBatch] = [best("singleMs"), best("rowMs"), loads[0]?.maxBatch ?? 1];
    const pays = rowMs + HAND_OVER_MS / maxBatch <= BATCH_PAYS * (singleMs + HAND_OVER_MS);
    const timed = { maxBatch, singleMs, rowMs, pays };
    this.#timed.set(model.key, timed);
    this.#rowMs.set(model.key, singleMs);
    if (maxBatch > 1) this.#options.onTimed?.(model, timed);
  }

  async #add(number: number): Promise<{ member: PoolWorker; models: Record<string, LoadedModel> }> {
    const { worker, models, clock, wedgedMs } = this.#options;
    const member = new PoolWorker(worker, {
      clock,
      wedgedMs,
      events: {
        room: () => {
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
    const loaded = await member.load([...models]);
    this.#recycleAt.set(member, this.#recyclingPoint());
    this.#listener();
    return { member, models: loaded };
  }

  #forget(member: PoolWorker): void {
    const at = this.#members.indexOf(member);
    if (at !== -1) this.#members.splice(at, 1);
    this.#unproven.delete(member);
    this.#recycleAt.delete(member);
  }

  #worked(number: number, member: PoolWorker): void {
    this.#progressed();
    if (this.#unproven.delete(member)) this.#failures = 0;
    if (member.ran >= this.#recycleAt.get(member)!) void this.#recycle(number, member);
  }

  /** A batch has begun or ended. */
  #progressed(): void {
    this.#progressAt = this.#options.clock.now();
  }

  #wedged(number: number, member: PoolWorker): void {
    this.#progressed();
    this.#unproven.delete(member);
    this.#tell("worker_wedged", number);
    if (2 * this.count("quarantined") > this.size) this.#giveUp(number, "too many threads are wedged");
    else this.#replace(number);
  }

  #missing(number: number, member: PoolWorker, cause: string): void {
    this.#progressed();
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
        ({ member }) => {
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
      const { member: young } = await this.#add(number);
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
