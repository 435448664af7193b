import type { PredictionRow } from "./row.ts";

/**
 * Keeps the record of every prediction, off the request's path. The contract every implementation keeps is
 * `recorder.contract.ts`.
 */
export interface Recorder {
  /** Takes a row to be kept soon. Never throws and never waits; a row that cannot be taken is counted. */
  record(row: PredictionRow): void;
  /**
   * The row of an id, also while it still waits to be written; null where there is none.
   * @throws when the store cannot be read
   */
  find(id: string): PredictionRow | null | Promise<PredictionRow | null>;
  /** Writes what waits now, as far as the store lets it: afterwards `healthy` tells. Never rejects. */
  flush(): Promise<void>;
  /** Flushes, and takes nothing more. What still cannot be written is dropped and counted. */
  close(): Promise<void>;
  /** False from a write that failed to the next that succeeds. */
  readonly healthy: boolean;
  statistics(): RecorderStatistics;
}

/**
 * Why a row is not kept: no room was left, it came after `close` or could not be written by then, or the store
 * refused it while it took others.
 */
export type RecordDropReason = "buffer_full" | "closed" | "rejected";

export interface RecorderStatistics {
  /** Rows that wait now. */
  waiting: number;
  /** Since the start. */
  written: number;
  /** Writes that failed, since the start. */
  failures: number;
  /** Rows lost, since the start. */
  dropped: Record<RecordDropReason, number>;
}

/**
 * Where rows go, at once or by the time that the promise resolves: all of them or, throwing or rejecting, none. A row
 * whose id is there already is left as it is.
 */
export interface RecordSink {
  insertMany(rows: readonly PredictionRow[]): void | Promise<void>;
  byId(id: string): PredictionRow | null;
}
