import { describe, expect, test } from "bun:test";
import { sampleRow } from "../test/sample-row.ts";
import { ScratchDatabase } from "../test/scratch-database.ts";
import { HealthChecks } from "./health-checks.ts";
import { type PredictionFilter, Predictions } from "./predictions.ts";

interface Statement {
  sql: string;
  params: unknown[];
}

const FILTERS: PredictionFilter[] = [
  {},
  { modelName: "leaf-disease" },
  { confidence: "LOW" },
  { outcome: "failed" },
  { modelName: "leaf-disease", confidence: "LOW" },
  { modelName: "leaf-disease", outcome: "failed" },
  { confidence: "LOW", outcome: "failed" },
  { modelName: "leaf-disease", confidence: "LOW", outcome: "failed" },
];

/** A database of which every statement that runs is remembered. */
function setUp() {
  const statements: Statement[] = [];
  const scratch = new ScratchDatabase({ onStatement: (sql, params) => statements.push({ sql, params }) });
  const predictions = new Predictions(scratch.database);
  const healthChecks = new HealthChecks(scratch.database);
  const fill = () => {
    predictions.insertMany(
      Array.from({ length: 2000 }, (_, n) =>
        sampleRow(n, {
          modelName: n % 10 === 0 ? "other" : "leaf-disease",
          confidence: n % 5 === 0 ? "LOW" : "HIGH",
          outcome: n % 100 === 0 ? "failed" : "ok",
        }),
      ),
    );
    scratch.database.sqlite.run("ANALYZE");
  };
  const planOf = (run: () => unknown) => {
    statements.length = 0;
    run();
    return statements.flatMap(({ sql, params }) => {
      const explain = scratch.database.sqlite.prepare<{ detail: string }, (string | number)[]>(
        `EXPLAIN QUERY PLAN ${sql}`,
      );
      const steps = explain.all(...(params as (string | number)[]));
      explain.finalize();
      return steps.map(({ detail }) => detail);
    });
  };
  return { scratch, predictions, healthChecks, fill, planOf };
}

for (const filled of [false, true]) {
  describe(`on ${filled ? "a filled and analysed" : "an empty"} database`, () => {
    test("every page is read from an index, in its order", () => {
      const { scratch, predictions, fill, planOf } = setUp();
      using _ = scratch;
      if (filled) fill();
      for (const filter of FILTERS) {
        const plan = planOf(() => predictions.page({ limit: 20, cursor: null, filter }));
        expect(plan.length).toBe(1);
        expect(plan[0]).toMatch(/^SEARCH predictions USING INDEX predictions_by_\w+ \(.*created_at.*\)$/);
      }
    });

    test("one filter uses its own index", () => {
      const { scratch, predictions, fill, planOf } = setUp();
      using _ = scratch;
      if (filled) fill();
      const indexOf = (filter: PredictionFilter) =>
        planOf(() => predictions.page({ limit: 20, cursor: null, filter }))
          .join()
          .match(/predictions_by_\w+/)?.[0];
      expect(indexOf({})).toBe("predictions_by_time");
      expect(indexOf({ outcome: "failed" })).toBe("predictions_by_outcome");
      expect(indexOf({ confidence: "LOW" })).toBe("predictions_by_confidence");
      expect(indexOf({ modelName: "leaf-disease" })).toBe("predictions_by_model");
    });

    test("reading one, counting and retention never walk over the table and never sort it", () => {
      const { scratch, predictions, healthChecks, fill, planOf } = setUp();
      using _ = scratch;
      if (filled) fill();
      const oldest = sampleRow(5).createdAt;
      const plans = {
        byId: planOf(() => predictions.byId(sampleRow(1).id)),
        count: planOf(() => predictions.countAtMost()),
        deleteBefore: planOf(() => predictions.deleteBefore(oldest, 10)),
        clientDays: planOf(() => predictions.clientDaysSince(oldest)),
        deleteBeyond: planOf(() => predictions.deleteBeyond(1000, 10)),
        latestChecks: planOf(() => healthChecks.latest(10)),
        deleteChecksBefore: planOf(() => healthChecks.deleteBefore(oldest, 10)),
      };
      expect(plans.byId).toEqual(["SEARCH predictions USING INDEX sqlite_autoindex_predictions_1 (id=?)"]);
      expect(plans.clientDays.join()).toContain("predictions_by_time (created_at>?)");
      // What it finds is told apart by a tree: once, at the start.
      plans.clientDays = plans.clientDays.filter((step) => step !== "USE TEMP B-TREE FOR DISTINCT");
      expect(plans.deleteBefore.join()).toContain("predictions_by_time (created_at<?)");
      expect(plans.deleteChecksBefore.join()).toContain("health_checks_by_time (created_at<?)");
      for (const [name, plan] of Object.entries(plans)) {
        expect([name, plan.length > 0]).toEqual([name, true]);
        expect([name, plan.filter((step) => step.includes("SCAN predictions"))]).toEqual([name, []]);
        expect([name, plan.filter((step) => step.includes("TEMP B-TREE"))]).toEqual([name, []]);
      }
      // Newest first by its primary key, as far as the limit: a walk that ends after ten rows.
      expect(plans.latestChecks).toEqual(["SCAN health_checks"]);
    });
  });
}
