import { constants, Database } from "bun:sqlite";
import { closeSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";
import type { Clock } from "../src/clock.ts";
import * as schema from "./schema.ts";
import { withStartLock } from "./start-lock.ts";
import { isBusy } from "./store-failure.ts";

/** How long a statement waits for another connection's lock while nothing else has to be done meanwhile. */
const PATIENT_MS = 5000;
/** The same once requests are served: as long as a few other processes write, and no longer, for all of them wait. */
const SERVING_MS = 100;

export interface DatabaseOptions {
  clock: Clock;
  /** Queries that take this long, or longer, are reported. */
  slowQueryMs: number;
  onSlowQuery: (query: { name: string; durationMs: number }) => void;
  /** Told of every statement, before it runs. */
  onStatement?: (sql: string, params: unknown[]) => void;
}

/** One connection to the database file, its pragmas set. Only `db/` looks inside. */
export class PinholeDatabase {
  readonly path: string;
  readonly sqlite: Database;
  readonly orm: BunSQLiteDatabase<typeof schema>;
  readonly #options: DatabaseOptions;
  #open = true;

  constructor(path: string, sqlite: Database, options: DatabaseOptions) {
    this.path = path;
    this.sqlite = sqlite;
    this.#options = options;
    const logQuery = (sql: string, params: unknown[]) => options.onStatement?.(sql, params);
    this.orm = drizzle(sqlite, { schema, logger: { logQuery } });
  }

  /**
   * From now on a statement gives up soon when another process holds the lock: the whole server waits for it. All
   * that is written while serving is tried again.
   */
  serve(): void {
    this.sqlite.run(`PRAGMA busy_timeout = ${SERVING_MS}`);
  }

  /**
   * Runs one query and reports it if it was slow, but not if it only waited for a lock, and in vain. `name` says
   * which, without any of its values.
   */
  timed<T>(name: string, query: () => T): T {
    const { clock, slowQueryMs, onSlowQuery } = this.#options;
    const from = clock.now();
    let waitedInVain = false;
    try {
      return query();
    } catch (error) {
      waitedInVain = isBusy(error);
      throw error;
    } finally {
      const durationMs = clock.now() - from;
      if (durationMs >= slowQueryMs && !waitedInVain) onSlowQuery({ name, durationMs });
    }
  }

  /** One transaction that takes the write lock at its start, so that it waits for others instead of failing. */
  write<T>(name: string, work: () => T): T {
    return this.timed(name, () => this.sqlite.transaction(work).immediate());
  }

  /** An integer pragma, e.g. `page_count`. */
  pragma(name: string): number {
    return Object.values(this.sqlite.query<Record<string, number>, []>(`PRAGMA ${name}`).get() ?? {})[0] ?? 0;
  }

  /** Size of the database itself, without its write-ahead log. */
  sizeBytes(): number {
    return this.pragma("page_count") * this.pragma("page_size");
  }

  /** @throws when the database does not answer */
  ping(): void {
    this.timed("ping", () => this.sqlite.query("SELECT count(*) FROM sqlite_schema").get());
  }

  /** Folds the write-ahead log into the database. Closing twice is harmless. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      this.sqlite.run("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      this.sqlite.close();
    }
  }
}

/**
 * Opens the database file, and makes it, readable by the server's user only, where there is none. `migrate` comes
 * next.
 * @throws when the file cannot be opened or is no database
 */
export function openDatabase(path: string, options: DatabaseOptions): PinholeDatabase {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // SQLite gives its other files (-wal, -shm) the mode of the first.
  for (const file of [path, `${path}.lock`]) closeSync(openSync(file, "a", 0o600));
  return withStartLock(path, () => {
    const sqlite = new Database(path);
    try {
      sqlite.run(`PRAGMA busy_timeout = ${PATIENT_MS}`);
      // Only an empty file takes it, and only before WAL writes its first page; any other it would write in vain.
      if (statSync(path).size === 0) sqlite.run("PRAGMA auto_vacuum = INCREMENTAL");
      sqlite.run("PRAGMA journal_mode = WAL");
      // A killed process loses nothing; a power cut may lose the last transactions, and never half of one.
      sqlite.run("PRAGMA synchronous = NORMAL");
      sqlite.run("PRAGMA foreign_keys = ON");
      // The files beside it stay when it is closed: a disk that is full then would not let them be made again.
      sqlite.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
      return new PinholeDatabase(path, sqlite, options);
    } catch (error) {
      sqlite.close();
      throw error;
    }
  });
}
