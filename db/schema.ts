import { index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { ErrorCode } from "../src/errors.ts";
import { OUTCOMES } from "../src/recording/row.ts";
import type { Timings } from "../src/telemetry/stages.ts";

/**
 * One row for each prediction: `PredictionRow`. The indexes are those of the queries in `predictions.ts`: by id;
 * pages newest first, of all, of a model, of a confidence, of an outcome; retention by age and by rowid.
 */
export const predictions = sqliteTable(
  "predictions",
  {
    id: text("id").primaryKey(),
    /** ms since the epoch. */
    createdAt: integer("created_at").notNull(),
    requestId: text("request_id").notNull(),
    modelName: text("model_name").notNull(),
    modelVersion: text("model_version").notNull(),
    modelSha256: text("model_sha256").notNull(),
    clientHash: text("client_hash").notNull(),
    imageCount: integer("image_count").notNull(),
    imageDigests: text("image_digests", { mode: "json" }).$type<string[]>().notNull(),
    classId: text("class_id"),
    prob: real("prob"),
    confidence: text("confidence", { enum: ["HIGH", "MEDIUM", "LOW"] }),
    outcome: text("outcome", { enum: OUTCOMES }).notNull(),
    cached: integer("cached", { mode: "boolean" }).notNull(),
    error: text("error").$type<ErrorCode>(),
    timings: text("timings", { mode: "json" }).$type<Timings>().notNull(),
    totalMs: real("total_ms").notNull(),
  },
  (table) => [
    index("predictions_by_time").on(table.createdAt, table.id),
    index("predictions_by_model").on(table.modelName, table.createdAt, table.id),
    index("predictions_by_confidence").on(table.confidence, table.createdAt, table.id),
    index("predictions_by_outcome").on(table.outcome, table.createdAt, table.id),
  ],
);

/** Every model that was ever loaded; a version whose file changed is another row. */
export const modelVersions = sqliteTable(
  "model_versions",
  {
    name: text("name").notNull(),
    version: text("version").notNull(),
    sha256: text("sha256").notNull(),
    /** ms since the epoch. */
    firstSeenAt: integer("first_seen_at").notNull(),
    /** ms since the epoch. */
    lastLoadedAt: integer("last_loaded_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.name, table.version, table.sha256] })],
);

/** What the health checks found, newest last. */
export const healthChecks = sqliteTable(
  "health_checks",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    /** ms since the epoch. */
    createdAt: integer("created_at").notNull(),
    status: text("status", { enum: ["healthy", "degraded", "unhealthy"] }).notNull(),
    /** Each check by its name, as `/health/detailed` shows it. */
    checks: text("checks", { mode: "json" }).$type<Record<string, unknown>>().notNull(),
  },
  (table) => [index("health_checks_by_time").on(table.createdAt)],
);
