import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../src/clock.ts";
import type { PinholeDatabase } from "./connection.ts";
import type { HealthChecks } from "./health-checks.ts";
import type { Predictions } from "./predictions.ts";

const DAY_MS = 86_400_000;
/** Rows deleted and pages given back in one go: a few ms each, for it is the main thread that waits. */
const SLICE_ROWS = 200;
const SLICE_PAGES = 64;
const PAUSE_MS = 5;
/** Free pages are used again; the file shrinks only when more than this share of it is free. */
const FREE_SHARE = 0.1;

export interface MaintenanceOptions {
  database: PinholeDatabase;
  predictions: Predictions;
  healthChecks: HealthChecks;
  /** Predictions older than this go. */
  retentionDays: number;
  /** Health checks older than this go. */
  healthRetentionDays: number;
  /** Predictions beyond this many go, the oldest first. */
  retentionRows: number;
  clock: Clock;
  /** Whether the server has nothing else to do: statistics are refreshed and the file shrunk only then. */
  idle: () => boolean;
}

export interface MaintenanceReport {
  predictionsDeleted: number;
  healthChecksDeleted: number;
  pagesFreed: number;
}

/** Keeps the database small and its planner informed, in slices, so that no request waits long. */
export class Maintenance {
  readonly #options: MaintenanceOptions;
  #running: Promise<MaintenanceReport> | null = null;
  #closed = false;

  constructor(options: MaintenanceOptions) {
    this.#options = options;
  }

  /** One round; whoever calls while one is running waits for that one. For a timer, every few minutes. */
  run(): Promise<MaintenanceReport> {
    this.#running ??= this.#round().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Ends a running round after its slice; later rounds do nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.catch(() => undefined);
  }

  async #round(): Promise<MaintenanceReport> {
    const { database, predictions, healthChecks, retentionDays, healthRetentionDays, retentionRows } =
      this.#options;
    const { clock, idle } = this.#options;
    const oldest = clock.wall() - retentionDays * DAY_MS;
    const oldestCheck = clock.wall() - healthRetentionDays * DAY_MS;
    const aged = await this.#inSlices(() => predictions.deleteBefore(oldest, SLICE_ROWS), SLICE_ROWS);
    const surplus = await this.#inSlices(
      () => predictions.deleteBeyond(retentionRows, SLICE_ROWS),
      SLICE_ROWS,
    );
    const checks = await this.#inSlices(() => healthChecks.deleteBefore(oldestCheck, SLICE_ROWS), SLICE_ROWS);
    let pagesFreed = 0;
    if (idle() && !this.#closed) {
      this.#optimize();
      const wasteful = database.pragma("freelist_count") > FREE_SHARE * database.pragma("page_count");
      if (wasteful) pagesFreed = await this.#inSlices(() => this.#shrink(), SLICE_PAGES);
    }
    return { predictionsDeleted: aged + surplus, healthChecksDeleted: checks, pagesFreed };
  }

  /** Repeats a slice of work until it does less than `full`, with pauses for everybody else. */
  async #inSlices(slice: () => number, full: number): Promise<number> {
    let total = 0;
    while (!this.#closed) {
      const done = slice();
      total += done;
      if (done < full) break;
      await sleep(PAUSE_MS);
    }
    return total;
  }

  /** ANALYZE where SQLite thinks it worth while, over a bounded sample. */
  #optimize(): void {
    const { database } = this.#options;
    database.timed("optimize", () => {
      database.sqlite.run("PRAGMA analysis_limit = 400");
      database.sqlite.run("PRAGMA optimize = 0x10002");
    });
  }

  /** Gives a slice of free pages back to the disk. */
  #shrink(): number {
    const { database, idle } = this.#options;
    if (!idle()) return 0;
    const before = database.pragma("freelist_count");
    database.timed("shrink", () => database.sqlite.query(`PRAGMA incremental_vacuum(${SLICE_PAGES})`).all());
    return before - database.pragma("freelist_count");
  }
}
