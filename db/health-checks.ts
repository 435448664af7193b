import { desc, inArray, lt, sql } from "drizzle-orm";
import type { PinholeDatabase } from "./connection.ts";
import { healthChecks } from "./schema.ts";

export type HealthCheckRow = typeof healthChecks.$inferSelect;

type Statements = ReturnType<typeof prepare>;

/** The table of what health checks found. */
export class HealthChecks {
  readonly #database: PinholeDatabase;
  readonly #statements: Statements;

  /** @param database migrated */
  constructor(database: PinholeDatabase) {
    this.#database = database;
    this.#statements = prepare(database);
  }

  insert(check: Omit<HealthCheckRow, "id">): void {
    this.#database.timed("healthChecks.insert", () => this.#statements.insert.run({ ...check }));
  }

  /** Newest first. */
  latest(limit: number): HealthCheckRow[] {
    return this.#database.timed("healthChecks.latest", () => this.#statements.latest.all({ limit }));
  }

  /**
   * Deletes checks made before an instant (ms since the epoch), oldest first, at most `max`.
   * @returns how many were deleted
   */
  deleteBefore(instant: number, max: number): number {
    return this.#database.timed("healthChecks.deleteBefore", () => {
      return this.#statements.deleteBefore.all({ instant, max }).length;
    });
  }
}

function prepare({ orm }: PinholeDatabase) {
  const { id, createdAt } = healthChecks;
  const oldest = orm
    .select({ id })
    .from(healthChecks)
    .where(lt(createdAt, sql.placeholder("instant")))
    .orderBy(createdAt)
    .limit(sql.placeholder("max"));
  return {
    insert: orm
      .insert(healthChecks)
      .values({
        createdAt: sql.placeholder("createdAt"),
        status: sql.placeholder("status"),
        checks: sql.placeholder("checks"),
      })
      .prepare(),
    latest: orm.select().from(healthChecks).orderBy(desc(id)).limit(sql.placeholder("limit")).prepare(),
    deleteBefore: orm.delete(healthChecks).where(inArray(id, oldest)).returning({ id }).prepare(),
  };
}
