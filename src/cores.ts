import { availableParallelism } from "node:os";
import { join } from "node:path";
import { groupsV1, groupsV2, type ReadText, readText } from "./control-group.ts";

/**
 * The whole cores that this process may use: its CPU affinity, and the CPU quota of its control group and of
 * every group above it (cgroup v2 `cpu.max`, v1 `cpu.cfs_quota_us`), rounded down, at least 1. A container that
 * is given 2 of 64 cores must not start 64 workers.
 */
export function usableCores(read: ReadText = readText, affinity: number = availableParallelism()): number {
  return Math.max(1, Math.floor(Math.min(affinity, ...quotasV2(read), ...quotasV1(read))));
}

/** Workers of each of so many server processes, where no setting says: one for each core, at least one. */
export function workersFor(processes: number, cores: number = usableCores()): number {
  return Math.max(1, Math.floor(cores / processes));
}

function quotasV2(read: ReadText): number[] {
  return groupsV2(read).flatMap((directory) => {
    const [quota, period] = (read(join(directory, "cpu.max")) ?? "max").trim().split(" ");
    return ratio(quota, period);
  });
}

function quotasV1(read: ReadText): number[] {
  return groupsV1("cpu", read).flatMap((directory) =>
    ratio(
      read(join(directory, "cpu.cfs_quota_us"))?.trim(),
      read(join(directory, "cpu.cfs_period_us"))?.trim(),
    ),
  );
}

function ratio(quota: string | undefined, period: string | undefined): number[] {
  const cores = Number(quota) / Number(period);
  return Number.isFinite(cores) && cores > 0 ? [cores] : [];
}
