import type { Database } from "bun:sqlite";
import { fileURLToPath } from "node:url";
import { migrate as applyMigrations } from "drizzle-orm/bun-sqlite/migrator";
import { readMigrationFiles } from "drizzle-orm/migrator";
import type { PinholeDatabase } from "./connection.ts";
import { withStartLock } from "./start-lock.ts";

const MIGRATIONS = fileURLToPath(new URL("./migrations", import.meta.url));

/** How the migrations of a database stand to those of this version. */
export interface MigrationState {
  applied: number;
  known: number;
  /**
   * `newer`: a later version wrote it; `foreign`: other migrations made it. Neither can be served; `behind` is
   * brought up to date at the next start.
   */
  state: "current" | "behind" | "newer" | "foreign";
}

/**
 * Brings the database to the schema of this version. Processes that start together do so one after the other,
 * and each checks afterwards that every migration was applied, once.
 * @param folder where drizzle-kit wrote them
 * @returns how many migrations were applied now
 * @throws when the database is newer than this version, or a migration was changed after it was applied
 */
export function migrate(database: PinholeDatabase, folder = MIGRATIONS): number {
  const expected = readMigrationFiles({ migrationsFolder: folder }).map(({ hash }) => hash);
  return withStartLock(database.path, () => {
    const before = applied(database.sqlite);
    if (before.length > expected.length) {
      throw new Error(
        `The database has ${before.length} migrations, this version knows ${expected.length}: ` +
          "a newer version wrote it. Run that one, or restore a backup made before it.",
      );
    }
    applyMigrations(database.orm, { migrationsFolder: folder });
    const after = applied(database.sqlite);
    if (after.length !== expected.length || after.some((hash, i) => hash !== expected[i])) {
      throw new Error(
        "The database was not made by this version's migrations: " +
          `${after.length} are applied, ${expected.length} are known, and they are not the same.`,
      );
    }
    return after.length - before.length;
  });
}

/** Compares, and changes nothing. */
export function migrationState(sqlite: Database, folder = MIGRATIONS): MigrationState {
  const expected = readMigrationFiles({ migrationsFolder: folder }).map(({ hash }) => hash);
  const found = applied(sqlite);
  const counts = { applied: found.length, known: expected.length };
  if (found.some((hash, at) => at < expected.length && hash !== expected[at]))
    return { ...counts, state: "foreign" };
  if (found.length > expected.length) return { ...counts, state: "newer" };
  return { ...counts, state: found.length < expected.length ? "behind" : "current" };
}

/**
 * Runs the migrations that are still to come and takes them back, so that what would fail at the start fails now.
 * @throws what SQLite says of the one that cannot be applied
 */
export function rehearseMigrations(sqlite: Database, folder = MIGRATIONS): void {
  const pending = readMigrationFiles({ migrationsFolder: folder }).slice(applied(sqlite).length);
  sqlite.run("BEGIN IMMEDIATE");
  try {
    for (const statement of pending.flatMap(({ sql }) => sql)) sqlite.run(statement);
  } finally {
    sqlite.run("ROLLBACK");
  }
}

/** Hashes of the applied migrations, oldest first. */
function applied(sqlite: Database): string[] {
  const known = sqlite
    .query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '__drizzle_migrations'")
    .get();
  if (known === null) return [];
  return sqlite
    .query<{ hash: string }, []>("SELECT hash FROM __drizzle_migrations ORDER BY created_at, rowid")
    .all()
    .map(({ hash }) => hash);
}
