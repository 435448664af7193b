import { totalmem } from "node:os";
import { join } from "node:path";
import { groupsV1, groupsV2, type ReadText, readText } from "./control-group.ts";

/**
 * Bytes of memory that this process may use: what the machine has, and the limit of its control group and of
 * every group above it (cgroup v2 `memory.max`, v1 `memory.limit_in_bytes`), whichever is least. Past a group's
 * limit the kernel ends the process.
 */
export function memoryLimitBytes(read: ReadText = readText, machineBytes: number = totalmem()): number {
  const limits = [
    ...groupsV2(read).map((directory) => read(join(directory, "memory.max"))),
    ...groupsV1("memory", read).map((directory) => read(join(directory, "memory.limit_in_bytes"))),
  ].map((text) => Number(text?.trim() || Number.NaN));
  // "max", no file, and the huge number by which v1 says "none" are no limits.
  return Math.min(machineBytes, ...limits.filter((bytes) => bytes > 0));
}
