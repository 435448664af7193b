import { readFileSync } from "node:fs";
import { type Finding, findingsOf } from "./finding.ts";

/** Database, logs, listening sockets, libraries, epoll. */
const BASE = 64;
const PER_WORKER = 8;

/** Limit of open files of this process, which the server inherits alike; null where the system does not tell. */
export function descriptorLimit(
  read: () => string = () => readFileSync("/proc/self/limits", "utf8"),
): number | null {
  let text: string;
  try {
    text = read();
  } catch {
    return null;
  }
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(text) ?? [];
  if (soft === undefined) return null;
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

export interface DescriptorNeed {
  queueCapacity: number;
  readConcurrency: number;
  workers: number;
}

/**
 * Each request that is admitted, and each body that is read, has a connection; as many again as are admitted wait
 * for their answer to be read, or are kept alive. Each process has a limit of its own.
 */
export function checkDescriptors(
  limit: number | null,
  { queueCapacity, readConcurrency, workers }: DescriptorNeed,
): Finding[] {
  const { ok, warn, fail } = findingsOf("open files");
  if (limit === null) return [ok("the system does not tell its limit")];
  const least = BASE + PER_WORKER * workers + queueCapacity;
  const wanted = least + queueCapacity + readConcurrency;
  const found = `${limit} allowed, ${wanted} wanted: ${queueCapacity} served and ${readConcurrency} read at once, ${workers} workers`;
  const advice =
    "Raise the limit (LimitNOFILE= of the unit, ulimit -n), or lower PINHOLE_READ_CONCURRENCY or PINHOLE_QUEUE_CAPACITY.";
  if (limit < least) return [fail(found, advice)];
  return [limit < wanted ? warn(found, advice) : ok(found)];
}
