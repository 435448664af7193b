import { Database } from "bun:sqlite";
import { closeSync, existsSync, linkSync, openSync, renameSync, rmSync } from "node:fs";
import { withStartLock } from "./start-lock.ts";

/** A server, or another program, has the database open. */
export class DatabaseInUse extends Error {
  override readonly name = "DatabaseInUse";
}

/** Files that SQLite keeps beside the database; a stale log would be replayed into the next one. */
const COMPANIONS = ["-wal", "-shm", "-journal"];

/**
 * Puts `copy` in the place of the database, which is kept beside it under the name `aside`. At no moment is there
 * no database, and no server can start meanwhile.
 * @param copy on the same file system, closed, synced to the disk; gone afterwards
 * @param aside where there is no file yet
 * @param alongside done in the same moment, before the database changes; when it throws, the database does not
 * @returns whether there was a database, now at `aside`
 * @throws DatabaseInUse and nothing is changed
 */
export function replaceDatabase(
  path: string,
  { copy, aside, alongside }: { copy: string; aside: string; alongside: () => void },
): boolean {
  closeSync(openSync(`${path}.lock`, "a", 0o600));
  return withStartLock(path, () => {
    const there = existsSync(path);
    if (there) {
      foldLog(path);
      linkSync(path, aside);
    }
    try {
      alongside();
    } catch (error) {
      rmSync(aside, { force: true });
      throw error;
    }
    for (const suffix of COMPANIONS) {
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    }
    renameSync(copy, path);
    return there;
  });
}

/**
 * Leaving WAL needs the database for oneself, so it fails while anybody has it open; it writes the log into the
 * database and removes it. A database that cannot be read is left alone with its log: nothing can serve it.
 */
function foldLog(path: string): void {
  const sqlite = new Database(path, { readwrite: true, create: false });
  try {
    sqlite.query("PRAGMA journal_mode = DELETE").get();
    // What is not in WAL mode is not locked by the above.
    sqlite.run("BEGIN EXCLUSIVE");
    sqlite.run("ROLLBACK");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code.startsWith("SQLITE_BUSY")) throw new DatabaseInUse("the database is open in another process");
    if (!code.startsWith("SQLITE_NOTADB") && !code.startsWith("SQLITE_CORRUPT")) throw error;
  } finally {
    sqlite.close();
  }
}
