/** Result codes (sqlite.org/rescode.html) that say something of disk, file or lock, and nothing of what was written. */
const CODES =
  /^SQLITE_(PERM|BUSY|LOCKED|NOMEM|READONLY|INTERRUPT|IOERR|CORRUPT|FULL|CANTOPEN|PROTOCOL|NOLFS|AUTH|NOTADB)(_|$)/;

/** The result code of an error of SQLite's, also of one that drizzle has wrapped; null for any other. */
function codeOf(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause)
    if ("code" in at && typeof at.code === "string" && at.code.startsWith("SQLITE_")) return at.code;
  return null;
}

/** Whether a statement failed because the database cannot be written or read now, whatever the statement. */
export const isStoreFailure = (error: unknown): boolean => CODES.test(codeOf(error) ?? "");

/** Whether another connection holds the lock. */
export const isBusy = (error: unknown): boolean => /^SQLITE_BUSY(_|$)/.test(codeOf(error) ?? "");
