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

/** Each admitted request has a connection; as many again wait for their answer to be read, or are kept alive. */
export function checkDescriptors(
  limit: number | null,
  { queueCapacity, workers }: { queueCapacity: number; workers: number },
): Finding[] {
  const { ok, warn, fail } = findingsOf("open files");
  if (limit === null) return [ok("the system does not tell its limit")];
  const least = BASE + PER_WORKER * workers + queueCapacity;
  const wanted = least + queueCapacity;
  const found = `${limit} allowed, ${wanted} wanted for a queue of ${queueCapacity}`;
  const advice = "Raise the limit (LimitNOFILE= of the unit, ulimit -n), or lower PINHOLE_QUEUE_CAPACITY.";
  if (limit < least) return [fail(found, advice)];
  return [limit < wanted ? warn(found, advice) : ok(found)];
}
