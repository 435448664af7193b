import type { Clock } from "../clock.ts";

/** The stations that are timed. The same names stand in the answer, `Server-Timing`, metrics and records. */
export const STAGES = [
  "limit",
  "admit",
  "read",
  "validate",
  "cache",
  "decode",
  "queue",
  "preprocess",
  "infer",
  "postprocess",
] as const;

export type Stage = (typeof STAGES)[number];

/** Durations in ms per stage, `total` included. A stage that did not run is absent. */
export type Timings = Partial<Record<Stage | "total", number>>;

/**
 * Collects how long each station of one request took. Several photographs pass a station side by side: the
 * longest of them is that station's figure, so that the stages never add up to more than the caller waited.
 */
export class StageClock {
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #durations: Timings = {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** Times `work`, also when it throws. */
  async time<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const from = this.#clock.now();
    try {
      return await work();
    } finally {
      this.record(stage, this.#clock.now() - from);
    }
  }

  /** Like `time`, for work that does not wait. */
  timeSync<T>(stage: Stage, work: () => T): T {
    const from = this.#clock.now();
    try {
      return work();
    } finally {
      this.record(stage, this.#clock.now() - from);
    }
  }

  record(stage: Stage, durationMs: number): void {
    const known = this.#durations[stage];
    if (known === undefined || durationMs > known) this.#durations[stage] = durationMs;
  }

  /** What was measured so far, `total` up to now. */
  timings(): Timings {
    return { ...this.#durations, total: this.#clock.now() - this.#startedAt };
  }
}
