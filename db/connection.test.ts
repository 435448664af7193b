import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/clock.ts";
import { ManualClock } from "../test/manual-clock.ts";
import { sampleRow } from "../test/sample-row.ts";
import { ScratchDatabase } from "../test/scratch-database.ts";
import { openDatabase } from "./connection.ts";
import { Predictions } from "./predictions.ts";
import { isBusy, isStoreFailure } from "./store-failure.ts";

describe("openDatabase", () => {
  test("sets the pragmas that the rest relies on", () => {
    using scratch = new ScratchDatabase();
    const { database } = scratch;
    expect(database.sqlite.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    const NORMAL = 1;
    const INCREMENTAL = 2;
    expect(database.pragma("synchronous")).toBe(NORMAL);
    expect(database.pragma("auto_vacuum")).toBe(INCREMENTAL);
    expect(database.pragma("foreign_keys")).toBe(1);
    expect(database.pragma("busy_timeout")).toBe(5000);
    expect(database.sizeBytes()).toBeGreaterThan(0);
    database.ping();
  });

  test("files are for the server's user only", () => {
    using scratch = new ScratchDatabase();
    new Predictions(scratch.database).insertMany([sampleRow(1)]);
    const dataDir = join(scratch.dir, "data");
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    const files = readdirSync(dataDir).sort();
    expect(files).toEqual(["", "-shm", "-wal", ".lock"].map((suffix) => `pinhole.sqlite${suffix}`).sort());
    for (const file of files) expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600);
  });

  test("close folds the log into the database, and closing twice is harmless", () => {
    using scratch = new ScratchDatabase();
    new Predictions(scratch.database).insertMany([sampleRow(1)]);
    scratch.database.close();
    scratch.database.close();
    const log = statSync(`${scratch.path}-wal`, { throwIfNoEntry: false });
    expect(log?.size ?? 0).toBe(0);
    const again = scratch.open();
    expect(new Predictions(again).byId(sampleRow(1).id)).toEqual(sampleRow(1));
    again.close();
  });

  test("a file that is no database is refused and left as it is", () => {
    const dir = mkdtempSync(join(tmpdir(), "pinhole-db-"));
    const path = join(dir, "pinhole.sqlite");
    writeFileSync(path, "not a database, but long enough to have a header ".repeat(10));
    const options = { clock: systemClock, slowQueryMs: 50, onSlowQuery: () => undefined };
    expect(() => openDatabase(path, options)).toThrow("not a database");
    expect(statSync(path).size).toBe(490);
    rmSync(dir, { recursive: true });
  });

  test("a slow query is reported by name, also one that fails; a quick one is not", () => {
    const clock = new ManualClock();
    const slow: unknown[] = [];
    using scratch = new ScratchDatabase({ clock, slowQueryMs: 50, onSlowQuery: (query) => slow.push(query) });
    const { database } = scratch;
    database.timed("quick", () => clock.advance(49));
    expect(slow).toEqual([]);
    const slowly = () => {
      clock.advance(50);
      return "result";
    };
    expect(database.timed("slow", slowly)).toBe("result");
    const failing = () => {
      clock.advance(70);
      throw new Error("broken");
    };
    expect(() => database.timed("failing", failing)).toThrow("broken");
    expect(slow).toEqual([
      { name: "slow", durationMs: 50 },
      { name: "failing", durationMs: 70 },
    ]);
  });

  test("once requests are served, a lock that is held is not waited for: nobody is told of a slow query", () => {
    const slow: unknown[] = [];
    using scratch = new ScratchDatabase({ slowQueryMs: 1, onSlowQuery: (query) => slow.push(query) });
    const other = scratch.open();
    scratch.database.serve();
    expect(scratch.database.pragma("busy_timeout")).toBeLessThanOrEqual(100);
    const predictions = new Predictions(scratch.database);
    slow.length = 0;
    other.sqlite.run("BEGIN IMMEDIATE");
    let thrown: unknown;
    try {
      predictions.insertMany([sampleRow(1)]);
    } catch (error) {
      thrown = error;
    }
    expect([isBusy(thrown), isStoreFailure(thrown)]).toEqual([true, true]);
    expect(slow).toEqual([]);
    other.sqlite.run("ROLLBACK");
    predictions.insertMany([sampleRow(1)]);
    expect(predictions.byId(sampleRow(1).id)).not.toBeNull();
    other.close();
  });

  test("what is wrong with a row is no failure of the store", () => {
    using scratch = new ScratchDatabase();
    const predictions = new Predictions(scratch.database);
    const row = { ...sampleRow(1), requestId: null as unknown as string };
    let thrown: unknown;
    try {
      predictions.insertMany([row]);
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).toContain("NOT NULL");
    expect([isBusy(thrown), isStoreFailure(thrown)]).toEqual([false, false]);
  });

  test("a second writer waits for the first instead of failing", async () => {
    using scratch = new ScratchDatabase();
    const child = Bun.spawn(
      [
        process.execPath,
        "-e",
        `import { Database } from "bun:sqlite";
         const other = new Database(${JSON.stringify(scratch.path)});
         other.run("BEGIN IMMEDIATE");
         console.log("locked");
         await Bun.sleep(200);
         other.run("COMMIT");`,
      ],
      { stdout: "pipe" },
    );
    await child.stdout.getReader().read();
    const predictions = new Predictions(scratch.database);
    predictions.insertMany([sampleRow(1)]);
    expect(predictions.byId(sampleRow(1).id)).not.toBeNull();
    await child.exited;
  });
});
