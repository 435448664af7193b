import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { sampleRow } from "../test/sample-row.ts";
import { ScratchDatabase } from "../test/scratch-database.ts";
import { Predictions } from "./predictions.ts";
import { RecordThread } from "./record-thread.ts";
import { isStoreFailure } from "./store-failure.ts";

const WORKER = new URL("../workers/records.worker.ts", import.meta.url);

function setUp(scratch: ScratchDatabase, worker = WORKER) {
  const told: string[] = [];
  const gone = Promise.withResolvers<void>();
  const predictions = new Predictions(scratch.database);
  const thread = new RecordThread({
    worker,
    path: scratch.path,
    predictions,
    slowQueryMs: 0,
    onSlowQuery: ({ name, durationMs }) => told.push(`${name} ${typeof durationMs}`),
    onTrouble: (cause) => told.push(`trouble: ${cause}`),
    onRecovery: () => told.push("well"),
    onGone: () => gone.resolve(),
  });
  return { predictions, thread, told, gone: gone.promise };
}

describe("the record thread", () => {
  test("writes rows as they are, those that are there already not again, and says so", async () => {
    using scratch = new ScratchDatabase();
    const { predictions, thread, told } = setUp(scratch);
    const nothing = { classId: null, prob: null, confidence: null, error: "INFERENCE_FAILED" as const };
    const rows = [sampleRow(1), sampleRow(2, { ...nothing, outcome: "failed", cached: true })];
    await Promise.all([
      thread.insertMany(rows),
      thread.insertMany([sampleRow(1, { requestId: "again" }), sampleRow(3)]),
    ]);
    expect(rows.map(({ id }) => thread.byId(id))).toEqual(rows);
    expect(predictions.byId(sampleRow(3).id)).toEqual(sampleRow(3));
    await thread.close();
    expect(told).toEqual(Array(2).fill("predictions.insertMany number"));
  });

  test("what cannot be written is refused with SQLite's code, all of it, and the next is written", async () => {
    using scratch = new ScratchDatabase();
    const { predictions, thread } = setUp(scratch);
    const bad = sampleRow(2, { totalMs: null as unknown as number });
    const refused = await Promise.resolve(thread.insertMany([sampleRow(1), bad])).catch((error) => error);
    expect([refused.code, isStoreFailure(refused)]).toEqual(["SQLITE_CONSTRAINT_NOTNULL", false]);
    expect(predictions.byId(sampleRow(1).id)).toBeNull();

    scratch.database.sqlite.run("BEGIN IMMEDIATE");
    const locked = await Promise.resolve(thread.insertMany([sampleRow(3)])).catch((error) => error);
    expect(isStoreFailure(locked)).toBe(true);
    scratch.database.sqlite.run("ROLLBACK");
    await thread.insertMany([sampleRow(3)]);
    expect(predictions.byId(sampleRow(3).id)).toEqual(sampleRow(3));
    await thread.close();
  });

  test("folds the log into the database by itself", async () => {
    using scratch = new ScratchDatabase();
    const { thread, told } = setUp(scratch);
    scratch.database.sqlite.run("PRAGMA wal_checkpoint(TRUNCATE)");
    const before = statSync(scratch.path).size;
    await thread.insertMany(Array.from({ length: 300 }, (_, n) => sampleRow(n)));
    expect(statSync(scratch.path).size).toBe(before);
    while (statSync(scratch.path).size === before) await Bun.sleep(20);
    await thread.close();
    expect(told.filter((line) => line.startsWith("trouble"))).toEqual([]);
  });

  test("once it is gone rows are written without it, and what was on its way is a failure of the store", async () => {
    using scratch = new ScratchDatabase();
    const { predictions, thread, gone } = setUp(scratch, new URL("data:text/javascript,process.exit(0)"));
    const lost = await Promise.resolve(thread.insertMany([sampleRow(1)])).catch((error) => error);
    expect(isStoreFailure(lost)).toBe(true);
    await gone;
    expect(thread.insertMany([sampleRow(1)])).toBeUndefined();
    expect(predictions.byId(sampleRow(1).id)).toEqual(sampleRow(1));
    await thread.close();
  });
});
