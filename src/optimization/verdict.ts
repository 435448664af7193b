import type { Comparison } from "./comparison.ts";

export type Goal = "speed" | "size";

/** What a new version must be worth. */
export interface Demands {
  goal: Goal;
  /** Share of photographs on which both versions must answer alike. */
  minAgreement: number;
  /** How many times as fast it must be, one photograph at a time on one core. */
  minSpeedup: number;
}

export interface Worth {
  comparison: Pick<Comparison, "agreement">;
  /** Source's time over its own. */
  speedup: number;
  /** Of the model files, bytes. */
  bytes: { source: number; made: number };
}

/** A version for size must save this share of the bytes at least, and may take so much longer. */
const MIN_SAVED = 0.25;
const MOST_SLOWER = 1.1;

/** Why a new version is not worth being written; empty where it is. */
export function refusals({ goal, minAgreement, minSpeedup }: Demands, worth: Worth): string[] {
  const reasons: string[] = [];
  const { count, of, share } = worth.comparison.agreement;
  if (goal === "speed" && worth.speedup < minSpeedup) {
    reasons.push(`it is ${worth.speedup.toFixed(3)} times as fast, and ${minSpeedup} is wanted`);
  }
  if (goal === "size") {
    const saved = 1 - worth.bytes.made / worth.bytes.source;
    if (saved < MIN_SAVED)
      reasons.push(`it saves ${percent(saved)} of the bytes, and ${percent(MIN_SAVED)} is wanted`);
    if (worth.speedup < 1 / MOST_SLOWER)
      reasons.push(`it takes ${(1 / worth.speedup).toFixed(2)} times as long, and ${MOST_SLOWER} is allowed`);
  }
  if (share < minAgreement) {
    reasons.push(
      `it agrees on ${count} of ${of} photographs (${percent(share)}), and ${percent(minAgreement)} is wanted`,
    );
  }
  return reasons;
}

export function percent(part: number): string {
  return `${(100 * part).toFixed(2)}%`;
}
