import { ClientGone } from "../admission/drop.ts";
import type { Clock } from "../clock.ts";
import type { AnswerStore } from "./answer-store.ts";
import { type CacheWaiter, deadlineExceeded, Flight } from "./flight.ts";

export type { CacheWaiter } from "./flight.ts";

export interface AnswerCacheOptions<V> {
  /** False: nothing is stored and nothing is shared, every request runs by itself; waits end as otherwise. */
  enabled: boolean;
  store: AnswerStore<V>;
  clock: Clock;
}

/** Since the start, but for what is held now. */
export interface CacheStatistics {
  /** Answered from the store. */
  hits: number;
  /** Runs that were started. */
  misses: number;
  /** Waited for a run that another request had started. */
  shared: number;
  evictions: number;
  /** Held now. */
  entries: number;
  bytes: number;
}

/**
 * Computes an answer.
 * @param wanted true while anyone waits for it, and once false stays so
 * @param abandoned aborts when `wanted` turns false, its reason the `DropReason` of whoever waited longest: to let
 *   go at once of what the run holds
 */
export type Run<V> = (wanted: () => boolean, abandoned: AbortSignal) => Promise<V>;

/** A run in flight; `stale`: its model was invalidated meanwhile, its value is not kept. */
interface SharedRun<V> {
  modelKey: string;
  flight: Flight<V>;
  stale: boolean;
}

/**
 * Answers by what determines them (`cacheKey`): kept for a while, and computed once for equal requests that are
 * in flight together. Values are shared: nobody may change one.
 */
export class AnswerCache<V> {
  readonly #options: AnswerCacheOptions<V>;
  readonly #runs = new Map<string, SharedRun<V>>();
  #hits = 0;
  #misses = 0;
  #shared = 0;

  constructor(options: AnswerCacheOptions<V>) {
    this.#options = options;
  }

  /** Runs in flight that a request could join. */
  get inFlight(): number {
    return this.#runs.size;
  }

  /**
   * The kept answer, or that of an equal run in flight, or that of `run`. A run that fails fails all who wait
   * for it and is not kept; one that everybody has left is joined by nobody, but kept should it succeed.
   * @returns `cached`: whether the answer was kept from an earlier run
   * @throws {ClientGone} when the waiter's signal aborts first
   * @throws {PinholeError} DEADLINE_EXCEEDED when its deadline passes first
   */
  async share(
    key: string,
    modelKey: string,
    run: Run<V>,
    waiter: CacheWaiter,
  ): Promise<{ value: V; cached: boolean }> {
    const { enabled, store, clock } = this.#options;
    const kept = enabled ? await store.get(key) : undefined;
    if (kept !== undefined) {
      this.#hits++;
      return { value: kept, cached: true };
    }
    if (waiter.signal.aborted) throw new ClientGone();
    if (waiter.deadline <= clock.now()) throw deadlineExceeded();

    const inFlight = enabled ? this.#runs.get(key) : undefined;
    if (inFlight !== undefined) {
      this.#shared++;
      return { value: await inFlight.flight.join(waiter), cached: false };
    }
    this.#misses++;
    return { value: await this.#start(key, modelKey, run, waiter), cached: false };
  }

  /** Forgets all answers of one model, those still being computed included. */
  async invalidate(modelKey: string): Promise<void> {
    this.#forgetRuns((run) => run.modelKey === modelKey);
    await this.#options.store.deleteModel(modelKey);
  }

  /** Forgets everything, answers still being computed included. */
  async clear(): Promise<void> {
    this.#forgetRuns(() => true);
    await this.#options.store.clear();
  }

  statistics(): CacheStatistics {
    return {
      hits: this.#hits,
      misses: this.#misses,
      shared: this.#shared,
      ...this.#options.store.statistics(),
    };
  }

  #start(key: string, modelKey: string, run: Run<V>, waiter: CacheWaiter): Promise<V> {
    const { enabled, clock } = this.#options;
    const abandonment = new AbortController();
    const flight = new Flight<V>(clock, (reason) => {
      this.#retire(key, shared);
      abandonment.abort(reason);
    });
    const shared: SharedRun<V> = { modelKey, flight, stale: !enabled };
    if (enabled) this.#runs.set(key, shared);
    const answer = flight.join(waiter);
    void this.#follow(key, shared, () => run(() => flight.wanted, abandonment.signal));
    return answer;
  }

  async #follow(key: string, shared: SharedRun<V>, run: () => Promise<V>): Promise<void> {
    try {
      const value = await run();
      if (!shared.stale) await this.#options.store.set(key, shared.modelKey, value);
      this.#retire(key, shared);
      shared.flight.land(value);
    } catch (error) {
      this.#retire(key, shared);
      shared.flight.fail(error);
    }
  }

  /** From now on nobody joins this run. A later run of the same key is left alone. */
  #retire(key: string, shared: SharedRun<V>): void {
    if (this.#runs.get(key) === shared) this.#runs.delete(key);
  }

  #forgetRuns(which: (run: SharedRun<V>) => boolean): void {
    for (const [key, run] of this.#runs) {
      if (!which(run)) continue;
      run.stale = true;
      this.#runs.delete(key);
    }
  }
}
