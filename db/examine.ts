import { Database } from "bun:sqlite";
import { existsSync, statSync } from "node:fs";
import { type MigrationState, migrationState } from "./migrate.ts";

/** What stands between a database and a server that starts on it. */
export interface Examination {
  sizeBytes: number;
  migrations: MigrationState;
  /** "ok", what is damaged, or null: not looked for. */
  integrity: string | null;
  /** Whether a transaction could begin within two seconds. */
  writable: boolean;
}

const WAIT_MS = 2000;

/**
 * Looks at a database beside whoever uses it, and changes nothing.
 * @param options.checkUpToBytes a larger one is not read through
 * @returns null where there is none yet
 * @throws what SQLite says of what is no database, or cannot be opened for writing
 */
export function examineDatabase(
  path: string,
  { checkUpToBytes }: { checkUpToBytes: number },
): Examination | null {
  if (!existsSync(path)) return null;
  const sizeBytes = statSync(path).size;
  const sqlite = new Database(path, { readwrite: true, create: false });
  try {
    sqlite.run(`PRAGMA busy_timeout = ${WAIT_MS}`);
    const migrations = migrationState(sqlite);
    const integrity = sizeBytes > checkUpToBytes ? null : quickCheck(sqlite);
    return { sizeBytes, migrations, integrity, writable: canWrite(sqlite) };
  } finally {
    sqlite.close();
  }
}

/** Every page, but not every index against its table. */
function quickCheck(sqlite: Database): string {
  return sqlite
    .query<{ quick_check: string }, []>("PRAGMA quick_check(3)")
    .all()
    .map(({ quick_check }) => quick_check)
    .join("; ");
}

function canWrite(sqlite: Database): boolean {
  try {
    sqlite.run("BEGIN IMMEDIATE");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "SQLITE_BUSY") return false;
    throw error;
  }
  sqlite.run("ROLLBACK");
  return true;
}
