import { Database } from "bun:sqlite";

const WAIT_MS = 60_000;

/**
 * Runs `work` while no other process runs any under the same path: an exclusive transaction on a small database
 * beside it, which the kernel ends should the process die. Blocks, so for the start only.
 * @throws when the lock is not free within a minute
 */
export function withStartLock<T>(databasePath: string, work: () => T): T {
  const lock = new Database(`${databasePath}.lock`);
  try {
    lock.run(`PRAGMA busy_timeout = ${WAIT_MS}`);
    // Nothing is ever written here, so a full disk is no reason not to start.
    lock.run("PRAGMA journal_mode = MEMORY");
    lock.run("BEGIN EXCLUSIVE");
    try {
      return work();
    } finally {
      lock.run("ROLLBACK");
    }
  } finally {
    lock.close();
  }
}
