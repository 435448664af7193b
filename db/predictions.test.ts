import { describe, expect, test } from "bun:test";
import type { PredictionRow } from "../src/recording/row.ts";
import { sampleRow } from "../test/sample-row.ts";
import { ScratchDatabase } from "../test/scratch-database.ts";
import { type PredictionFilter, Predictions } from "./predictions.ts";

const rows = (count: number, changes: (n: number) => Partial<PredictionRow> = () => ({})) =>
  Array.from({ length: count }, (_, n) => sampleRow(n, changes(n)));

const ids = (rows: readonly PredictionRow[]) => rows.map(({ id }) => Number.parseInt(id, 16));

function allPages(predictions: Predictions, limit: number, filter?: PredictionFilter): PredictionRow[] {
  const found: PredictionRow[] = [];
  let cursor: string | null = null;
  do {
    const page = predictions.page({ limit, cursor, filter });
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    found.push(...page.rows);
    cursor = page.next;
  } while (cursor !== null);
  return found;
}

describe("Predictions", () => {
  test("gives back what was written, with and without what may be missing", () => {
    using scratch = new ScratchDatabase();
    const predictions = new Predictions(scratch.database);
    const failed = sampleRow(2, {
      classId: null,
      prob: null,
      confidence: null,
      outcome: "failed",
      error: "INFERENCE_FAILED",
      imageDigests: [],
      cached: true,
      timings: {},
      requestId: "'; DROP TABLE predictions; --",
    });
    predictions.insertMany([sampleRow(1), failed]);
    expect(predictions.byId(sampleRow(1).id)).toEqual(sampleRow(1));
    expect(predictions.byId(failed.id)).toEqual(failed);
    expect(predictions.byId("0".repeat(32))).toBeNull();
  });

  test("tells who was there on which UTC day, each once", () => {
    using scratch = new ScratchDatabase();
    const predictions = new Predictions(scratch.database);
    const day = Date.UTC(2026, 0, 1) / 86_400_000;
    const at = (days: number, clientHash: string) => ({
      createdAt: Math.round((day + days) * 86_400_000),
      clientHash,
    });
    predictions.insertMany(
      [at(-1, "old"), at(0, "a"), at(0.5, "a"), at(0.9, "b"), at(1, "a")].map((row, n) => sampleRow(n, row)),
    );
    const seen = predictions
      .clientDaysSince(day * 86_400_000)
      .map((row) => `${row.day - day} ${row.clientHash}`);
    expect(seen.sort()).toEqual(["0 a", "0 b", "1 a"]);
  });

  test("writes all or none", () => {
    using scratch = new ScratchDatabase();
    const predictions = new Predictions(scratch.database);
    const bad = sampleRow(2, { totalMs: Number.NaN });
    expect(() => predictions.insertMany([sampleRow(1), bad])).toThrow("total_ms");
    expect(predictions.countAtMost()).toBe(0);
  });

  test("a row that is there already is left as it is, and the others are written", () => {
    using scratch = new ScratchDatabase();
    const predictions = new Predictions(scratch.database);
    predictions.insertMany([sampleRow(1)]);
    predictions.insertMany([sampleRow(1, { requestId: "again" }), sampleRow(2)]);
    expect(predictions.byId(sampleRow(1).id)?.requestId).toBe("request-1");
    expect(predictions.countAtMost()).toBe(2);
  });

  test("pages newest first and gives every row once, rows of the same ms included", () => {
    using scratch = new ScratchDatabase();
    const predictions = new Predictions(scratch.database);
    predictions.insertMany(rows(50, (n) => ({ createdAt: 1000 + Math.floor(n / 7) })));
    for (const limit of [1, 7, 49, 50, 51]) {
      expect(ids(allPages(predictions, limit))).toEqual(Array.from({ length: 50 }, (_, n) => 49 - n));
    }
    expect(predictions.page({ limit: 50, cursor: null }).next).toBeNull();
  });

  test("rows that come in meanwhile do not shift the pages", () => {
    using scratch = new ScratchDatabase();
    const predictions = new Predictions(scratch.database);
    predictions.insertMany(rows(10));
    const first = predictions.page({ limit: 4, cursor: null });
    predictions.insertMany([sampleRow(100)]);
    expect(ids(predictions.page({ limit: 4, cursor: first.next }).rows)).toEqual([5, 4, 3, 2]);
  });

  test("filters by model, confidence and outcome, together and alone", () => {
    using scratch = new ScratchDatabase();
    const predictions = new Predictions(scratch.database);
    const given = rows(60, (n) => ({
      modelName: n % 2 === 0 ? "leaf-disease" : "other",
      confidence: (["HIGH", "MEDIUM", "LOW", null] as const)[n % 4],
      outcome: n % 3 === 0 ? "failed" : "ok",
    }));
    predictions.insertMany(given);
    const filters: PredictionFilter[] = [
      { modelName: "leaf-disease" },
      { confidence: "LOW" },
      { outcome: "failed" },
      { modelName: "leaf-disease", confidence: "LOW" },
      { modelName: "other", outcome: "failed" },
      { modelName: "leaf-disease", confidence: "HIGH", outcome: "ok" },
      { modelName: "missing" },
    ];
    for (const filter of filters) {
      const fits = (row: PredictionRow) =>
        (filter.modelName ?? row.modelName) === row.modelName &&
        (filter.confidence ?? row.confidence) === row.confidence &&
        (filter.outcome ?? row.outcome) === row.outcome;
      expect(allPages(predictions, 4, filter)).toEqual(given.filter(fits).reverse());
    }
  });

  test("a cursor that is none is refused as the caller's mistake", () => {
    using scratch = new ScratchDatabase();
    const predictions = new Predictions(scratch.database);
    for (const cursor of ["", "x", "%%%", btoa("1.zz"), btoa(`-1.${"0".repeat(32)}`), "A".repeat(5000)]) {
      expect(() => predictions.page({ limit: 1, cursor })).toThrow("VALIDATION_FAILED");
    }
  });

  test("deletes by age, oldest first, in bounded steps", () => {
    using scratch = new ScratchDatabase();
    const predictions = new Predictions(scratch.database);
    predictions.insertMany(rows(10));
    const before = sampleRow(7).createdAt;
    expect(predictions.deleteBefore(before, 5)).toBe(5);
    expect(ids(allPages(predictions, 20))).toEqual([9, 8, 7, 6, 5]);
    expect([predictions.deleteBefore(before, 5), predictions.deleteBefore(before, 5)]).toEqual([2, 0]);
    expect(ids(allPages(predictions, 20))).toEqual([9, 8, 7]);
  });

  test("deletes beyond a number of rows, those written first, in bounded steps", () => {
    using scratch = new ScratchDatabase();
    const predictions = new Predictions(scratch.database);
    expect(predictions.deleteBeyond(4, 5)).toBe(0);
    predictions.insertMany(rows(10));
    expect(predictions.countAtMost()).toBe(10);
    expect([predictions.deleteBeyond(4, 5), predictions.deleteBeyond(4, 5)]).toEqual([5, 1]);
    expect(predictions.deleteBeyond(4, 5)).toBe(0);
    expect(ids(allPages(predictions, 20))).toEqual([9, 8, 7, 6]);
    expect(predictions.countAtMost()).toBe(4);
  });
});
