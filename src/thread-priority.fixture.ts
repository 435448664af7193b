import { readlinkSync } from "node:fs";
import { getPriority } from "node:os";
import { standBack } from "./thread-priority.ts";

declare const self: Worker;

/** A thread that stands back and says which one it is. */
if (!Bun.isMainThread) {
  const id = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
  standBack(3);
  standBack(4);
  self.onmessage = () => process.exit(0);
  self.postMessage({ id, niceness: getPriority(id) });
}
