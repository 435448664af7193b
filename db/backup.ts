import { Database } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { type MigrationState, migrationState, rehearseMigrations } from "./migrate.ts";

/** What a copy of the database holds, once it has been found whole. */
export interface CopyContents {
  /** Number of rows by table. */
  rows: Record<string, number>;
  migrations: MigrationState;
}

/**
 * Writes a compact copy of the database, as it is at this instant, while others go on reading and writing. Blocks
 * its thread for as long as it takes: for a process of its own.
 * @param to where there is no file yet; readable by its owner only
 * @throws when there is no database, or the copy cannot be written whole
 */
export function copyDatabase(path: string, to: string): void {
  // SQLite takes an empty file as it is, and with it its mode.
  closeSync(openSync(to, "wx", 0o600));
  const sqlite = new Database(path, { readwrite: true, create: false });
  try {
    sqlite.run("PRAGMA busy_timeout = 5000");
    sqlite.query("VACUUM INTO ?").run(to);
  } finally {
    sqlite.close();
  }
}

/**
 * Reads every page and every row of a copy that nobody else has open.
 * @throws when it is damaged, or what is left to migrate cannot be
 */
export function inspectCopy(path: string): CopyContents {
  const sqlite = new Database(path, { readwrite: true, create: false });
  try {
    const found = [
      ...sqlite.query<{ integrity_check: string }, []>("PRAGMA integrity_check").all(),
      ...sqlite.query<object, []>("PRAGMA foreign_key_check").all(),
    ];
    const [first] = found;
    if (found.length !== 1 || !first || !("integrity_check" in first) || first.integrity_check !== "ok")
      throw new Error(`the database is damaged: ${JSON.stringify(found.slice(0, 3))}`);
    const migrations = migrationState(sqlite);
    if (migrations.state === "behind") rehearseMigrations(sqlite);
    return { rows: countRows(sqlite), migrations };
  } finally {
    sqlite.close();
  }
}

function countRows(sqlite: Database): Record<string, number> {
  const tables = sqlite
    .query<{ name: string }, []>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' " +
        "AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY name",
    )
    .all();
  return Object.fromEntries(
    tables.map(({ name }) => [
      name,
      sqlite.query<{ n: number }, []>(`SELECT count(*) AS n FROM "${name.replaceAll('"', '""')}"`).get()!.n,
    ]),
  );
}
