import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

/** The text of a file, or null where it cannot be read. */
type ReadText = (path: string) => string | null;

const readText: ReadText = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
};

/**
 * The whole cores that this process may use: its CPU affinity, and the CPU quota of its control group and of
 * every group above it (cgroup v2 `cpu.max`, v1 `cpu.cfs_quota_us`), rounded down, at least 1. A container that
 * is given 2 of 64 cores must not start 64 workers.
 */
export function usableCores(read: ReadText = readText, affinity: number = availableParallelism()): number {
  const groups = read("/proc/self/cgroup") ?? "";
  const quotas = [...quotasV2(groups, read), ...quotasV1(groups, read)];
  return Math.max(1, Math.floor(Math.min(affinity, ...quotas)));
}

function quotasV2(groups: string, read: ReadText): number[] {
  const path = /^0::(.*)$/m.exec(groups)?.[1];
  if (path === undefined) return [];
  return upwards("/sys/fs/cgroup", path).flatMap((directory) => {
    const [quota, period] = (read(join(directory, "cpu.max")) ?? "max").trim().split(" ");
    return ratio(quota, period);
  });
}

function quotasV1(groups: string, read: ReadText): number[] {
  const path = /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/m.exec(groups)?.[1];
  if (path === undefined) return [];
  return upwards("/sys/fs/cgroup/cpu", path).flatMap((directory) =>
    ratio(
      read(join(directory, "cpu.cfs_quota_us"))?.trim(),
      read(join(directory, "cpu.cfs_period_us"))?.trim(),
    ),
  );
}

/** The group's directory and each above it. Inside a container only the last of them is there. */
function upwards(root: string, path: string): string[] {
  const directories: string[] = [];
  for (let at = path; at !== "/" && at !== "."; at = dirname(at)) directories.push(join(root, at));
  return [...directories, root];
}

function ratio(quota: string | undefined, period: string | undefined): number[] {
  const cores = Number(quota) / Number(period);
  return Number.isFinite(cores) && cores > 0 ? [cores] : [];
}
