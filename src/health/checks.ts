import { statfs } from "node:fs/promises";
import type { Recorder } from "../recording/recorder.ts";
import type { CheckResult, HealthCheck } from "./monitor.ts";

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

const isLow = (limits: Limits, vital: boolean, read: () => number): HealthCheck => ({
  vital,
  unit: limits.unit,
  threshold: limits.degraded,
  run: () => below(read(), limits),
});

const isHigh = (limits: Limits, vital: boolean, read: () => number): HealthCheck => ({
  vital,
  unit: limits.unit,
  threshold: limits.degraded,
  run: () => above(read(), limits),
});

/**
 * Milliseconds of the simplest query.
 * @param ping throws when the database does not answer
 * @param degradedMs first time that is too long
 */
export const databaseCheck = (ping: () => void | Promise<void>, degradedMs: number): HealthCheck => ({
  vital: false,
  unit: "ms",
  threshold: degradedMs,
  async run() {
    const from = performance.now();
    await ping();
    return below(rounded(performance.now() - from), { unit: "ms", degraded: degradedMs });
  },
});

/**
 * Free bytes where the data directory is, for whoever is not root.
 * @param limits.freeShare degraded when no more than this share (0..1) of the disk is free
 * @param limits.freeBytes unhealthy when no more than this is free, however large the disk
 */
export const diskCheck = (
  directory: string,
  limits: { freeShare: number; freeBytes: number },
): HealthCheck => ({
  vital: false,
  unit: "bytes",
  threshold: null,
  async run() {
    const { bavail, bsize, blocks } = await statfs(directory);
    const degraded = Math.max(Math.ceil(limits.freeShare * blocks * bsize), limits.freeBytes);
    return above(bavail * bsize, { unit: "bytes", degraded, unhealthy: limits.freeBytes });
  },
});

/** Past this share of the memory that the process may use the kernel is about to end it. */
const MEMORY_UNHEALTHY_SHARE = 0.95;

/**
 * Resident memory, held against what the process may use.
 * @param limitBytes of the control group or the machine
 * @param degradedShare 0..1 of it: first share that is too much
 */
export const memoryCheck = (
  residentBytes: () => number,
  limitBytes: number,
  degradedShare: number,
): HealthCheck => {
  const degraded = Math.floor(degradedShare * limitBytes);
  const unhealthy = Math.max(degraded, Math.floor(MEMORY_UNHEALTHY_SHARE * limitBytes));
  return isLow({ unit: "bytes", degraded, unhealthy }, false, residentBytes);
};

/** So many times later than degraded, the loop is as good as stuck. */
const STUCK_FACTOR = 20;

/** @param degradedMs first delay that is too long */
export const eventLoopCheck = (maxDelayMs: () => number, degradedMs: number): HealthCheck =>
  isLow({ unit: "ms", degraded: degradedMs, unhealthy: STUCK_FACTOR * degradedMs }, false, () =>
    rounded(maxDelayMs()),
  );

/** Workers that are loaded and warm. @param size how many there are meant to be */
export const workersCheck = (usable: () => number, size: number): HealthCheck =>
  isHigh({ unit: "workers", degraded: size - 1, unhealthy: 0 }, true, usable);

/** Models that can answer. @param total how many there are meant to be */
export const modelsCheck = (usable: () => number, total: number): HealthCheck =>
  isHigh({ unit: "models", degraded: total - 1, unhealthy: 0 }, true, usable);

/**
 * How full the queue is, 0..1 and, for moments, more. Full is busy, not broken: never unhealthy.
 * @param degradedShare first share that is too much
 */
export const queueCheck = (fill: () => number, degradedShare: number): HealthCheck =>
  isLow({ unit: "share", degraded: degradedShare }, false, () => Math.round(fill() * 1000) / 1000);

/** Records that wait while the last write failed; none where all is well. */
export const recorderCheck = (recorder: Pick<Recorder, "healthy" | "statistics">): HealthCheck => ({
  vital: false,
  unit: "rows",
  threshold: null,
  run: () => {
    const { waiting } = recorder.statistics();
    return { state: recorder.healthy ? "ok" : "degraded", figure: waiting, unit: "rows", threshold: null };
  },
});

/** To the microsecond. */
const rounded = (durationMs: number) => Math.round(durationMs * 1000) / 1000;
