import { describe, expect, test } from "bun:test";
import { ScratchDatabase } from "../test/scratch-database.ts";
import { HealthChecks } from "./health-checks.ts";
import { ModelVersions } from "./models.ts";

describe("ModelVersions", () => {
  test("remembers when a model was first and last loaded; another file is another row", () => {
    using scratch = new ScratchDatabase();
    const versions = new ModelVersions(scratch.database);
    const model = { name: "leaf-disease", version: "1.0.0", sha256: "aa" };
    versions.noteLoaded(model, 1000);
    versions.noteLoaded({ ...model, sha256: "bb" }, 2000);
    versions.noteLoaded(model, 3000);
    expect(versions.list()).toEqual([
      { ...model, firstSeenAt: 1000, lastLoadedAt: 3000 },
      { ...model, sha256: "bb", firstSeenAt: 2000, lastLoadedAt: 2000 },
    ]);
  });
});

describe("HealthChecks", () => {
  test("gives the latest first, and deletes by age in bounded steps", () => {
    using scratch = new ScratchDatabase();
    const checks = new HealthChecks(scratch.database);
    for (let n = 1; n <= 5; n++) {
      checks.insert({
        createdAt: n * 1000,
        status: n % 2 === 0 ? "degraded" : "healthy",
        checks: { disk: { n } },
      });
    }
    expect(checks.latest(2)).toEqual([
      { id: 5, createdAt: 5000, status: "healthy", checks: { disk: { n: 5 } } },
      { id: 4, createdAt: 4000, status: "degraded", checks: { disk: { n: 4 } } },
    ]);
    expect([checks.deleteBefore(4000, 2), checks.deleteBefore(4000, 2)]).toEqual([2, 1]);
    expect(checks.latest(10).map(({ id }) => id)).toEqual([5, 4]);
  });
});
