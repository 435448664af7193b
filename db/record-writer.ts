import { constants, Database, type Statement } from "bun:sqlite";
import type { PredictionRow } from "../src/recording/row.ts";

/** Longest wait for another connection's lock: no request waits for it here, but records do. */
const BUSY_MS = 100;

/**
 * Pages of the log (64 MiB) from which a commit folds it after all: where several processes write without a pause, no
 * checkpoint comes to the log's end, and it could not begin anew.
 */
const LOG_MOST_PAGES = 16_384;

type Value = string | number | null;

/** Columns of the table of predictions, and what each holds of a row. Without Drizzle, which a thread would load anew. */
const COLUMNS: readonly [column: string, of: (row: PredictionRow) => Value][] = [
  ["id", ({ id }) => id],
  ["created_at", ({ createdAt }) => createdAt],
  ["request_id", ({ requestId }) => requestId],
  ["model_name", ({ modelName }) => modelName],
  ["model_version", ({ modelVersion }) => modelVersion],
  ["model_sha256", ({ modelSha256 }) => modelSha256],
  ["client_hash", ({ clientHash }) => clientHash],
  ["image_count", ({ imageCount }) => imageCount],
  ["image_digests", ({ imageDigests }) => JSON.stringify(imageDigests)],
  ["class_id", ({ classId }) => classId],
  ["prob", ({ prob }) => prob],
  ["confidence", ({ confidence }) => confidence],
  ["outcome", ({ outcome }) => outcome],
  ["cached", ({ cached }) => Number(cached)],
  ["error", ({ error }) => error],
  ["timings", ({ timings }) => JSON.stringify(timings)],
  ["total_ms", ({ totalMs }) => totalMs],
];

/** One statement that inserts a row; one whose id is already there is left as it is. */
export function insertStatement(sqlite: Database): { run(row: PredictionRow): void } {
  const names = COLUMNS.map(([column]) => column);
  const statement: Statement = sqlite.prepare(
    `INSERT INTO predictions (${names.join()}) VALUES (${names.map(() => "?").join()}) ON CONFLICT DO NOTHING`,
  );
  return { run: (row) => void statement.run(...COLUMNS.map(([, of]) => of(row))) };
}

/**
 * A connection that only writes predictions and folds the write-ahead log into the database, for a thread of its own:
 * whoever serves then waits for neither.
 */
export class RecordWriter {
  readonly #sqlite: Database;
  readonly #insertAll: (rows: readonly PredictionRow[]) => void;

  /** @param path of a database that is migrated and in WAL mode @throws when it cannot be opened */
  constructor(path: string) {
    this.#sqlite = new Database(path, { readwrite: true, create: false });
    this.#sqlite.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    this.#sqlite.run("PRAGMA synchronous = NORMAL");
    this.#sqlite.run(`PRAGMA wal_autocheckpoint = ${LOG_MOST_PAGES}`);
    // The log stays when this connection is the last to be closed, as the others leave it.
    this.#sqlite.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    const insert = insertStatement(this.#sqlite);
    this.#insertAll = this.#sqlite.transaction((rows: readonly PredictionRow[]) => {
      for (const row of rows) insert.run(row);
    }).immediate;
  }

  /** Writes all or none. @throws an error of SQLite with its code */
  insertMany(rows: readonly PredictionRow[]): void {
    this.#insertAll(rows);
  }

  /**
   * Folds as much of the log into the database as nobody is in the way of (a passive checkpoint,
   * https://sqlite.org/wal.html#ckpt): all of it where no other process writes, and the log begins anew.
   * @throws when the disk does not take it
   */
  checkpoint(): void {
    this.#sqlite.run("PRAGMA wal_checkpoint(PASSIVE)");
  }

  close(): void {
    this.#sqlite.close();
  }
}
