import { describe, expect, test } from "bun:test";
import { ManualClock } from "../test/manual-clock.ts";
import { sampleRow } from "../test/sample-row.ts";
import { ScratchDatabase } from "../test/scratch-database.ts";
import { HealthChecks } from "./health-checks.ts";
import { Maintenance } from "./maintenance.ts";
import { Predictions } from "./predictions.ts";

const DAY_MS = 86_400_000;

function setUp(options: { retentionRows?: number; idle?: () => boolean } = {}) {
  const scratch = new ScratchDatabase();
  const predictions = new Predictions(scratch.database);
  const healthChecks = new HealthChecks(scratch.database);
  const clock = new ManualClock(0, 100 * DAY_MS);
  const maintenance = new Maintenance({
    database: scratch.database,
    predictions,
    healthChecks,
    retentionDays: 30,
    healthRetentionDays: 7,
    retentionRows: options.retentionRows ?? 1_000_000,
    clock,
    idle: options.idle ?? (() => true),
  });
  const fill = (count: number, createdAt: (n: number) => number) =>
    predictions.insertMany(
      Array.from({ length: count }, (_, n) => sampleRow(n, { createdAt: createdAt(n) })),
    );
  return { scratch, predictions, healthChecks, maintenance, fill };
}

describe("Maintenance", () => {
  test("deletes what is older than the retention, and nothing younger", async () => {
    const { scratch, predictions, healthChecks, maintenance, fill } = setUp();
    using _ = scratch;
    fill(1000, (n) => (n < 700 ? 70 * DAY_MS - 1 : 70 * DAY_MS));
    healthChecks.insert({ createdAt: 93 * DAY_MS - 1, status: "healthy", checks: {} });
    healthChecks.insert({ createdAt: 93 * DAY_MS, status: "healthy", checks: {} });
    expect(await maintenance.run()).toMatchObject({ predictionsDeleted: 700, healthChecksDeleted: 1 });
    expect(predictions.countAtMost()).toBe(300);
    expect(predictions.byId(sampleRow(700).id)).not.toBeNull();
    expect(await maintenance.run()).toMatchObject({ predictionsDeleted: 0, healthChecksDeleted: 0 });
  });

  test("keeps the newest rows up to the retention's number", async () => {
    const { scratch, predictions, maintenance, fill } = setUp({ retentionRows: 450 });
    using _ = scratch;
    fill(1000, () => 99 * DAY_MS);
    expect(await maintenance.run()).toMatchObject({ predictionsDeleted: 550 });
    expect(predictions.countAtMost()).toBe(450);
    expect(predictions.byId(sampleRow(549).id)).toBeNull();
    expect(predictions.byId(sampleRow(550).id)).not.toBeNull();
  });

  test("when idle it refreshes the statistics and gives free pages back", async () => {
    const { scratch, maintenance, fill } = setUp({ retentionRows: 10 });
    using _ = scratch;
    fill(2000, () => 99 * DAY_MS);
    const before = scratch.database.sizeBytes();
    const { pagesFreed } = await maintenance.run();
    expect(pagesFreed).toBeGreaterThan(100);
    expect(scratch.database.pragma("freelist_count")).toBe(0);
    expect(scratch.database.sizeBytes()).toBeLessThan(before / 4);
    const analysed = scratch.database.sqlite.query("SELECT DISTINCT tbl FROM sqlite_stat1").all();
    expect(analysed).toContainEqual({ tbl: "predictions" });
  });

  test("when busy it deletes, and leaves the rest for later", async () => {
    const { scratch, maintenance, fill } = setUp({ retentionRows: 10, idle: () => false });
    using _ = scratch;
    fill(2000, () => 99 * DAY_MS);
    expect(await maintenance.run()).toMatchObject({ predictionsDeleted: 1990, pagesFreed: 0 });
    expect(scratch.database.pragma("freelist_count")).toBeGreaterThan(100);
  });

  test("a round never holds the thread for all of its work, and close ends it early", async () => {
    const { scratch, predictions, maintenance, fill } = setUp();
    using _ = scratch;
    fill(2000, () => DAY_MS);
    const round = maintenance.run();
    expect(maintenance.run()).toBe(round);
    expect(predictions.countAtMost()).toBe(1800);
    await maintenance.close();
    expect(predictions.countAtMost()).toBeGreaterThan(1);
    await round;
    expect(await maintenance.run()).toMatchObject({ predictionsDeleted: 0, pagesFreed: 0 });
  });
});
