import { desc, sql } from "drizzle-orm";
import type { PinholeDatabase } from "./connection.ts";
import { modelVersions } from "./schema.ts";

export type ModelVersionRow = typeof modelVersions.$inferSelect;

/** The table of models that were ever loaded. Small; written at start. */
export class ModelVersions {
  readonly #database: PinholeDatabase;

  /** @param database migrated */
  constructor(database: PinholeDatabase) {
    this.#database = database;
  }

  /** @param at wall-clock time, ms */
  noteLoaded(model: { name: string; version: string; sha256: string }, at: number): void {
    const { name, version, sha256 } = model;
    this.#database.timed("modelVersions.noteLoaded", () => {
      this.#database.orm
        .insert(modelVersions)
        .values({ name, version, sha256, firstSeenAt: at, lastLoadedAt: at })
        .onConflictDoUpdate({
          target: [modelVersions.name, modelVersions.version, modelVersions.sha256],
          set: { lastLoadedAt: sql`excluded.last_loaded_at` },
        })
        .run();
    });
  }

  /** All of them, the last loaded first. */
  list(): ModelVersionRow[] {
    return this.#database.timed("modelVersions.list", () =>
      this.#database.orm.select().from(modelVersions).orderBy(desc(modelVersions.lastLoadedAt)).all(),
    );
  }
}
