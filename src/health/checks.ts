import { statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import type { Recorder } from "../recording/recorder.ts";
import type { CheckResult, HealthCheck } from "./monitor.ts";

const MIB = 1024 * 1024;

interface Limits {
  unit: string;
  /** First figure that is degraded. */
  degraded: number;
  /** First figure that is unhealthy; leave out where nothing is. */
  unhealthy?: number;
}

/** A figure that is good while it is low. */
export function below(
  figure: number,
  { unit, degraded, unhealthy = Number.POSITIVE_INFINITY }: Limits,
): CheckResult {
  const state = figure >= unhealthy ? "unhealthy" : figure >= degraded ? "degraded" : "ok";
  return { state, figure, unit, threshold: degraded };
}

/** A figure that is good while it is high. */
export function above(
  figure: number,
  { unit, degraded, unhealthy = Number.NEGATIVE_INFINITY }: Limits,
): CheckResult {
  const state = figure <= unhealthy ? "unhealthy" : figure <= degraded ? "degraded" : "ok";
  return { state, figure, unit, threshold: degraded };
}

/** Milliseconds of the simplest query. @param ping throws when the database does not answer */
export const databaseCheck = (ping: () => void | Promise<void>): HealthCheck => ({
  vital: false,
  async run() {
    const from = performance.now();
    await ping();
    const durationMs = Math.round((performance.now() - from) * 1000) / 1000;
    return below(durationMs, { unit: "ms", degraded: 500 });
  },
});

/** Free bytes where the data directory is, for whoever is not root. */
export const diskCheck = (directory: string): HealthCheck => ({
  vital: false,
  async run() {
    const { bavail, bsize } = await statfs(directory);
    return above(bavail * bsize, { unit: "bytes", degraded: 512 * MIB, unhealthy: 64 * MIB });
  },
});

/** Resident share of the memory that the process may use. @param limitBytes e.g. of its control group */
export const memoryCheck = (residentBytes: () => number, limitBytes: number): HealthCheck => ({
  vital: false,
  run() {
    // Without a control group some systems tell a limit of 0 or of all addresses: the machine's memory then.
    const bytes = limitBytes > 0 && limitBytes < totalmem() ? limitBytes : totalmem();
    const limits = { unit: "bytes", degraded: Math.floor(0.85 * bytes), unhealthy: Math.floor(0.95 * bytes) };
    return below(residentBytes(), limits);
  },
});

export const eventLoopCheck = (maxDelayMs: () => number): HealthCheck => ({
  vital: false,
  run: () => below(Math.round(maxDelayMs() * 1000) / 1000, { unit: "ms", degraded: 250, unhealthy: 5000 }),
});

/** Workers that are loaded and warm. @param size how many there are meant to be */
export const workersCheck = (usable: () => number, size: number): HealthCheck => ({
  vital: true,
  run: () => above(usable(), { unit: "workers", degraded: size - 1, unhealthy: 0 }),
});

/** Models that can answer. @param total how many there are meant to be */
export const modelsCheck = (usable: () => number, total: number): HealthCheck => ({
  vital: true,
  run: () => above(usable(), { unit: "models", degraded: total - 1, unhealthy: 0 }),
});

/** Requests admitted at once. Full is busy, not broken: never unhealthy. */
export const queueCheck = (admitted: () => number, capacity: number): HealthCheck => ({
  vital: false,
  run: () => below(admitted(), { unit: "requests", degraded: Math.ceil(0.9 * capacity) }),
});

/** Records that wait while the last write failed; none where all is well. */
export const recorderCheck = (recorder: Pick<Recorder, "healthy" | "statistics">): HealthCheck => ({
  vital: false,
  run: () => {
    const { waiting } = recorder.statistics();
    return { state: recorder.healthy ? "ok" : "degraded", figure: waiting, unit: "rows", threshold: null };
  },
});
