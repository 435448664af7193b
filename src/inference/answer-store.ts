import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";

/**
 * Where answers are kept: what `cache.ts` needs of it and no more. The contract is `answer-store.contract.ts`.
 * Values are shared between requests: nobody may change one.
 */
export interface AnswerStore<V> {
  get(key: string): V | undefined | Promise<V | undefined>;
  set(key: string, modelKey: string, value: V): void | Promise<void>;
  /** Forgets all answers of one model. */
  deleteModel(modelKey: string): void | Promise<void>;
  clear(): void | Promise<void>;
  statistics(): StoreStatistics;
}

export interface StoreStatistics {
  entries: number;
  bytes: number;
  /** Answers that gave way to newer ones, since the start. */
  evictions: number;
}

export interface LruStoreOptions<V> {
  maxBytes: number;
  ttlMs: number;
  /** Size of a value in bytes, as near as is cheap to know; a positive whole number. */
  sizeOf: (value: V) => number;
  clock: Clock;
}

/** What an entry costs beside its value: key, links, instants. */
const ENTRY_BYTES = 256;

interface Entry<V> {
  modelKey: string;
  value: V;
}

/** In this process's memory, bounded by bytes and age; the longest unused gives way first. */
export class LruStore<V> implements AnswerStore<V> {
  readonly #entries: LRUCache<string, Entry<V>>;
  #evictions = 0;

  constructor(options: LruStoreOptions<V>) {
    const { maxBytes, ttlMs, sizeOf, clock } = options;
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (entry) => ENTRY_BYTES + sizeOf(entry.value),
      ttl: ttlMs,
      // Otherwise it remembers "now" by a timer of its own.
      ttlResolution: 0,
      // It takes an entry that was set at instant 0 for one without age.
      perf: { now: () => clock.now() + 1 },
      dispose: (_entry, _key, reason) => {
        if (reason === "evict") this.#evictions++;
      },
    });
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  set(key: string, modelKey: string, value: V): void {
    this.#entries.set(key, { modelKey, value });
  }

  deleteModel(modelKey: string): void {
    for (const [key, entry] of this.#entries.entries()) {
      if (entry.modelKey === modelKey) this.#entries.delete(key);
    }
  }

  clear(): void {
    this.#entries.clear();
  }

  statistics(): StoreStatistics {
    return {
      entries: this.#entries.size,
      bytes: this.#entries.calculatedSize,
      evictions: this.#evictions,
    };
  }
}
