import { fileURLToPath } from "node:url";
import { migrate as applyMigrations } from "drizzle-orm/bun-sqlite/migrator";
import { readMigrationFiles } from "drizzle-orm/migrator";
import type { PinholeDatabase } from "./connection.ts";
import { withStartLock } from "./start-lock.ts";

const MIGRATIONS = fileURLToPath(new URL("./migrations", import.meta.url));

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
    const before = applied(database);
    if (before.length > expected.length) {
      throw new Error(
        `The database has ${before.length} migrations, this version knows ${expected.length}: ` +
          "a newer version wrote it. Run that one, or restore a backup made before it.",
      );
    }
    applyMigrations(database.orm, { migrationsFolder: folder });
    const after = applied(database);
    if (after.length !== expected.length || after.some((hash, i) => hash !== expected[i])) {
      throw new Error(
        "The database was not made by this version's migrations: " +
          `${after.length} are applied, ${expected.length} are known, and they are not the same.`,
      );
    }
    return after.length - before.length;
  });
}

/** Hashes of the applied migrations, oldest first. */
function applied(database: PinholeDatabase): string[] {
  const known = database.sqlite
    .query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '__drizzle_migrations'")
    .get();
  if (known === null) return [];
  return database.sqlite
    .query<{ hash: string }, []>("SELECT hash FROM __drizzle_migrations ORDER BY created_at, rowid")
    .all()
    .map(({ hash }) => hash);
}
