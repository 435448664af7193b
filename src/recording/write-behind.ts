import type { Clock } from "../clock.ts";
import type { RecordDropReason, Recorder, RecorderStatistics, RecordSink } from "./recorder.ts";
import type { PredictionRow } from "./row.ts";

/** Rows written in one transaction: about the most that stays a few ms. */
const BATCH_ROWS = 256;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 2_000;
/** Halving a batch down to one row takes eight failures. */
const CLOSE_MAX_FAILURES = 16;
const CLOSE_MAX_MS = 5_000;

export interface WriteBehindOptions {
  sink: RecordSink;
  /** Rows that may wait. */
  bufferRows: number;
  /** Longest time a row waits while the sink is well. */
  flushIntervalMs: number;
  clock: Clock;
  /** Whether a failed write may be the fault of what was written; else no row is ever accused. Default: it may. */
  isRowsFault?: (error: unknown) => boolean;
  /** Told of the failure with which trouble starts, and of the first write after it. */
  onTrouble?: (error: unknown) => void;
  onRecovery?: () => void;
}

/**
 * Buffers rows and writes them in bulk. While the sink fails, rows go on waiting up to the bound and writing is
 * tried again with growing pauses, where the rows may be at fault each time with half as many: so a single row that
 * the sink refuses is found in the end and stops nobody else.
 */
export class WriteBehindRecorder implements Recorder {
  readonly #options: WriteBehindOptions;
  /** In the order in which they came. */
  readonly #waiting = new Map<string, PredictionRow>();
  readonly #dropped: Record<RecordDropReason, number> = { buffer_full: 0, closed: 0, rejected: 0 };
  /** Rows that failed alone, with the number written before: once others went through, such a row is at fault. */
  readonly #suspects = new Map<string, number>();
  #batchRows = BATCH_ROWS;
  #backoffMs = 0;
  #written = 0;
  #failures = 0;
  #closed = false;
  #timer: { cancel: () => void; immediate: boolean } | null = null;
  /** The write on its way, of a sink that does not write at once; its rows still wait. */
  #writing: Promise<boolean> | null = null;

  constructor(options: WriteBehindOptions) {
    this.#options = options;
  }

  get healthy(): boolean {
    return this.#backoffMs === 0;
  }

  record(row: PredictionRow): void {
    if (this.#closed) this.#drop("closed");
    else if (this.#waiting.size >= this.#options.bufferRows) this.#drop("buffer_full");
    else {
      this.#waiting.set(row.id, row);
      this.#schedule();
    }
  }

  find(id: string): PredictionRow | null {
    return this.#waiting.get(id) ?? this.#options.sink.byId(id);
  }

  async flush(): Promise<void> {
    if (this.#closed) return;
    const done = () => this.#written + this.#dropped.rejected;
    // What comes meanwhile is the timer's, or a steady stream would never let go.
    const until = done() + this.#waiting.size;
    while (done() < until) {
      if (!(await this.#writeBatch())) break;
      if (done() < until) await nextTurn();
    }
    this.#schedule();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = null;
    await this.#writeAll();
    for (const _ of this.#waiting) this.#drop("closed");
    this.#waiting.clear();
  }

  statistics(): RecorderStatistics {
    return {
      waiting: this.#waiting.size,
      written: this.#written,
      failures: this.#failures,
      dropped: { ...this.#dropped },
    };
  }

  /** Sets the timer of the next write: soon when a batch is full, after the pause when the sink is in trouble. */
  #schedule(): void {
    if (this.#waiting.size === 0 || this.#closed || this.#writing !== null) return;
    const immediate = this.healthy && this.#waiting.size >= BATCH_ROWS;
    if (this.#timer !== null) {
      if (!immediate || this.#timer.immediate) return;
      this.#timer.cancel();
    }
    const delayMs = immediate ? 0 : this.#backoffMs || this.#options.flushIntervalMs;
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timer = null;
      this.#writeBatch();
      this.#schedule();
    });
    this.#timer = { cancel, immediate };
  }

  /** Tries without pauses, often enough to find one bad row, and not for long: the process wants to end. */
  async #writeAll(): Promise<void> {
    const until = this.#options.clock.now() + CLOSE_MAX_MS;
    let failed = 0;
    while (this.#waiting.size > 0 && failed < CLOSE_MAX_FAILURES && this.#options.clock.now() < until) {
      failed = (await this.#writeBatch()) ? 0 : failed + 1;
      await nextTurn();
    }
  }

  /**
   * One at a time: while one is on its way this is that one.
   * @returns whether rows were written, so that more may be tried at once
   */
  #writeBatch(): boolean | Promise<boolean> {
    if (this.#writing !== null) return this.#writing;
    const rows = this.#oldest(this.#batchRows);
    if (rows.length === 0) return false;
    try {
      const written = this.#options.sink.insertMany(rows);
      if (written === undefined) return this.#wrote(rows);
      this.#writing = this.#follow(rows, written);
      return this.#writing;
    } catch (error) {
      return this.#failed(rows, error);
    }
  }

  async #follow(rows: PredictionRow[], written: Promise<void>): Promise<boolean> {
    const well = await written.then(
      () => this.#wrote(rows),
      (error) => this.#failed(rows, error),
    );
    this.#writing = null;
    this.#schedule();
    return well;
  }

  #wrote(rows: PredictionRow[]): true {
    for (const { id } of rows) {
      this.#waiting.delete(id);
      this.#suspects.delete(id);
    }
    this.#written += rows.length;
    this.#well();
    return true;
  }

  #failed(rows: PredictionRow[], error: unknown): false {
    this.#failures++;
    const { isRowsFault = () => true } = this.#options;
    const mayBeRows = isRowsFault(error);
    if (mayBeRows && rows.length === 1 && this.#atFault(rows[0]!)) {
      this.#well();
      return false;
    }
    const wasHealthy = this.healthy;
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_MIN_MS, this.#backoffMs * 2));
    if (mayBeRows) this.#batchRows = Math.max(1, rows.length >> 1);
    if (wasHealthy) this.#options.onTrouble?.(error);
    return false;
  }

  /**
   * A row that failed alone goes to the end, so that another shows whether it is the row or the sink. Did others
   * go through since, it is the row, which is dropped.
   */
  #atFault(row: PredictionRow): boolean {
    const writtenBefore = this.#suspects.get(row.id) ?? this.#written;
    this.#waiting.delete(row.id);
    if (this.#written > writtenBefore) {
      this.#suspects.delete(row.id);
      this.#drop("rejected");
      return true;
    }
    this.#suspects.set(row.id, writtenBefore);
    this.#waiting.set(row.id, row);
    return false;
  }

  #well(): void {
    const recovered = !this.healthy;
    this.#backoffMs = 0;
    this.#batchRows = BATCH_ROWS;
    if (recovered) this.#options.onRecovery?.();
  }

  #oldest(count: number): PredictionRow[] {
    const rows: PredictionRow[] = [];
    for (const row of this.#waiting.values()) {
      rows.push(row);
      if (rows.length === count) break;
    }
    return rows;
  }

  #drop(reason: RecordDropReason): void {
    this.#dropped[reason]++;
  }
}

/** Lets whatever else waits for the thread go first. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
