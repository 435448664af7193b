import type { Exchange } from "./load.ts";
import type { FaultName } from "./plan.ts";
import type { Records } from "./records.ts";

/** What was done to the server, and how it stood it. Instants of `performance.now()`. */
export interface Blow {
  fault: FaultName;
  from: number;
  /** When it was over. */
  to: number;
  /** When the server was ready again. */
  readyAt: number;
  /** Longest stretch without readiness that it caused, in ms; 0: ready throughout. */
  notReadyMs: number;
  /** What went otherwise than it should; null: nothing. */
  trouble: string | null;
  /** Whether answers given meanwhile may go unrecorded. */
  stopsRecording: boolean;
  /** Whether the process ended by it, and what had not been flushed with it. */
  endsProcess: boolean;
  /** Records that the server counted as lost by it. */
  dropped: number;
}

export interface Evidence {
  blows: readonly Blow[];
  exchanges: readonly Exchange[];
  records: Records;
  /** Permits, queues and the like in the end, by metric. */
  held: Readonly<Record<string, number>>;
  exitCode: number;
  /** A record this old has been flushed, if the disk let it be. */
  settledMs: number;
}

export interface Verdict {
  requests: number;
  /** By outcome. */
  outcomes: Record<string, number>;
  slowestMs: number;
  /** Answers whose record must be there, and how many of them are not. */
  flushed: number;
  lost: number;
  /** Answers given while recording was impossible that were not recorded, and how many the server counted. */
  unrecorded: number;
  counted: number;
  /** One line each; empty: all is well. */
  failures: string[];
}

/** Outcomes that a client can live with: an answer, a refusal that says why, a closed connection. */
const GOOD = /^(200|closed|503 (OVERLOADED|DRAINING|MODEL_NOT_READY)|504 DEADLINE_EXCEEDED)$/;

/** @param readyWithinMs longest time without readiness that is borne */
export function judge(evidence: Evidence, readyWithinMs: number): Verdict {
  const { blows, exchanges, records, held, exitCode } = evidence;
  const outcomes: Record<string, number> = {};
  for (const { outcome } of exchanges) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const answered = exchanges.filter(({ predictionId }) => predictionId !== undefined);
  const missing = answered.filter(({ predictionId }) => !records.ids.has(predictionId!));
  const flushed = answered.filter((exchange) => isFlushed(exchange, evidence));
  const lost = flushed.filter(({ predictionId }) => !records.ids.has(predictionId!));
  const unrecorded = missing.filter((exchange) => mayGoUnrecorded(exchange, evidence)).length;
  const counted = blows.reduce((sum, { dropped }) => sum + dropped, 0);
  const failures: string[] = [];
  for (const { fault, trouble, notReadyMs } of blows) {
    if (trouble !== null) failures.push(`${fault}: ${trouble}`);
    if (notReadyMs > readyWithinMs)
      failures.push(`${fault}: not ready for ${(notReadyMs / 1000).toFixed(1)} s`);
  }
  for (const [outcome, count] of Object.entries(outcomes))
    if (!GOOD.test(outcome)) failures.push(`${count} requests ended with: ${outcome}`);
  const closed = exchanges.filter((exchange) => exchange.outcome === "closed" && !endedWith(exchange, blows));
  if (closed.length > 0) failures.push(`${closed.length} connections were closed though no process ended`);
  if ((outcomes["200"] ?? 0) === 0) failures.push("no request was answered");
  if (lost.length > 0) {
    const when = lost.map((exchange) => beforeEnd(exchange, blows));
    failures.push(
      `${lost.length} of ${flushed.length} flushed records are lost: answered ${when.join(", ")}`,
    );
  }
  if (unrecorded > counted) failures.push(`${unrecorded} answers went unrecorded, ${counted} were counted`);
  if (records.integrity !== "ok") failures.push(`the database is damaged: ${records.integrity}`);
  if (records.half > 0) failures.push(`${records.half} rows are half`);
  for (const [metric, value] of Object.entries(held))
    if (value !== 0) failures.push(`${metric} is ${value} in the end`);
  if (exitCode !== 0) failures.push(`the drain ended with ${exitCode}`);
  return {
    requests: exchanges.length,
    outcomes,
    slowestMs: Math.max(0, ...exchanges.map(({ startedAt, endedAt }) => endedAt - startedAt)),
    flushed: flushed.length,
    lost: lost.length,
    unrecorded,
    counted,
    failures,
  };
}

/** Whether a process ended, or none listened, while it was on its way. */
function endedWith({ startedAt, endedAt }: Exchange, blows: readonly Blow[]): boolean {
  return blows.some(
    ({ endsProcess, from, readyAt }) => endsProcess && startedAt <= readyAt && endedAt >= from,
  );
}

/** What was answered long enough before the process ended, while nothing kept it from being written. */
function isFlushed({ startedAt, endedAt }: Exchange, { blows, settledMs }: Evidence): boolean {
  return blows.every(({ from, to, endsProcess, stopsRecording }) => {
    if (stopsRecording) return endedAt < from - settledMs || endedAt > to + settledMs;
    // An answer may be on its way when the process that gave it ends.
    return !endsProcess || endedAt < from - settledMs || startedAt > from;
  });
}

/** "1.7 s before: kill the process". */
function beforeEnd({ endedAt }: Exchange, blows: readonly Blow[]): string {
  const end = blows.find(({ endsProcess, from }) => endsProcess && from > endedAt);
  if (end === undefined) return "after all faults that end the process";
  return `${((end.from - endedAt) / 1000).toFixed(1)} s before: ${end.fault}`;
}

function mayGoUnrecorded({ endedAt }: Exchange, { blows, settledMs }: Evidence): boolean {
  return blows.some(
    ({ from, to, stopsRecording }) =>
      stopsRecording && endedAt >= from - settledMs && endedAt <= to + settledMs,
  );
}
