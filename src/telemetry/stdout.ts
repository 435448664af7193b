import { write, writeSync } from "node:fs";
import { LineQueue } from "./line-queue.ts";

/** At most what a pipe takes at once, so that a slow reader does not hold up more than it must. */
const AT_ONCE_BYTES = 64 * 1024;
/** A reader that is behind: how long until it is tried again. */
const BUSY_MS = 20;
/** How long an ending process waits for such a reader. */
const BUSY_SYNC_MS = 200;

/** Lines for standard output, or another open file. Nothing that happens to it reaches whoever writes. */
export function standardOutput(onTrouble: (error: unknown) => void, fd = 1): LineQueue {
  return new LineQueue({
    maxBytes: AT_ONCE_BYTES,
    onTrouble,
    async append(lines) {
      for (let rest = Buffer.from(lines); rest.length > 0; ) {
        try {
          rest = rest.subarray(await written(fd, rest));
        } catch (error) {
          if (!isBusy(error)) throw error;
          await Bun.sleep(BUSY_MS);
        }
      }
    },
    appendSync(lines) {
      const giveUpAt = performance.now() + BUSY_SYNC_MS;
      for (let rest = Buffer.from(lines); rest.length > 0; ) {
        try {
          rest = rest.subarray(writeSync(fd, rest));
        } catch (error) {
          if (!isBusy(error) || performance.now() > giveUpAt) throw error;
          Bun.sleepSync(BUSY_MS);
        }
      }
    },
  });
}

/** Bytes that were taken. */
const written = (fd: number, bytes: Uint8Array): Promise<number> =>
  new Promise((resolve, reject) =>
    write(fd, bytes, (error, count) => (error === null ? resolve(count) : reject(error))),
  );

const isBusy = (error: unknown): boolean => (error as { code?: unknown }).code === "EAGAIN";
