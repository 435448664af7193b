import type { Clock } from "../clock.ts";
import { countsOf, type MetricSnapshot, mergeMetrics } from "../telemetry/merge-metrics.ts";

/** A process that is busy for longer is told of by what it said the last time. */
const COLLECT_TIMEOUT_MS = 500;

export interface MetricsLedgerOptions {
  clock: Clock;
  /** Asks a process for its metrics; false where it cannot be asked. */
  collect(pid: number, id: number): boolean;
  /** Those that serve now. */
  pids(): readonly number[];
}

/**
 * The figures of all server processes as those of one, whichever is asked for them. What a process had counted when
 * it was last heard stays when it ends, so that sums never fall; what it counted after that is lost with it.
 */
export class MetricsLedger {
  readonly #options: MetricsLedgerOptions;
  readonly #last = new Map<number, MetricSnapshot[]>();
  readonly #waiting = new Map<number, () => void>();
  #ended: MetricSnapshot[] = [];
  #collections = 0;

  constructor(options: MetricsLedgerOptions) {
    this.#options = options;
  }

  /** @param own what the asking process has to tell itself */
  async gather(askedBy: number, own: MetricSnapshot[]): Promise<MetricSnapshot[]> {
    this.#last.set(askedBy, own);
    const others = this.#options.pids().filter((pid) => pid !== askedBy);
    await Promise.all(others.map((pid) => this.#collect(pid)));
    return mergeMetrics([...this.#last.values(), this.#ended]);
  }

  /** @param id of the collection; null: it was not asked, and will not be again */
  collected(pid: number, id: number | null, metrics: MetricSnapshot[]): void {
    this.#last.set(pid, metrics);
    if (id !== null) this.#waiting.get(id)?.();
  }

  end(pid: number): void {
    this.#ended = mergeMetrics([this.#ended, countsOf(this.#last.get(pid) ?? [])]);
    this.#last.delete(pid);
  }

  /** Resolves when it has answered, or has not in time. */
  async #collect(pid: number): Promise<void> {
    const id = ++this.#collections;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(COLLECT_TIMEOUT_MS, resolve);
    this.#waiting.set(id, resolve);
    if (!this.#options.collect(pid, id)) resolve();
    await promise;
    cancel();
    this.#waiting.delete(id);
  }
}
