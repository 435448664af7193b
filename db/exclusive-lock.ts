import { Database } from "bun:sqlite";

/**
 * Takes a lock that one process holds at a time, without waiting. The kernel frees it should the process die.
 * @param path of a small database of its own, made where there is none
 * @returns null while another process holds it
 */
export function tryExclusiveLock(path: string): Disposable | null {
  const lock = new Database(path);
  try {
    lock.run("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (error instanceof Error && "code" in error && error.code === "SQLITE_BUSY") return null;
    throw error;
  }
  return {
    [Symbol.dispose]() {
      lock.run("ROLLBACK");
      lock.close();
    },
  };
}
