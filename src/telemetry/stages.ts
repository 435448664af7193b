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

/** Told of each stay at a station, with instants of the clock; must not throw. */
export type StageObserver = (stage: Stage, from: number, to: number) => void;

/**
 * Collects how long each station of one request took. Several photographs pass a station side by side: the
 * longest of them is that station's figure, so that the stages never add up to more than the caller waited.
 */
export class StageClock {
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #durations: Timings = {};
  readonly #observer: StageObserver | undefined;

  constructor(clock: Clock, observer?: StageObserver) {
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#observer = observer;
  }

  /** Times `work`, also when it throws. */
  async time<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const from = this.#clock.now();
    try {
      return await work();
    } finally {
      this.#stayed(stage, from);
    }
  }

  /** Like `time`, for work that does not wait. */
  timeSync<T>(stage: Stage, work: () => T): T {
    const from = this.#clock.now();
    try {
      return work();
    } finally {
      this.#stayed(stage, from);
    }
  }

  /** A duration that was measured elsewhere; where it lay is told by `stay`. */
  record(stage: Stage, durationMs: number): void {
    const known = this.#durations[stage];
    if (known === undefined || durationMs > known) this.#durations[stage] = durationMs;
  }

  /** Tells the observer where a recorded duration lay; without one it does nothing. */
  stay(stage: Stage, from: number, to: number): void {
    this.#observer?.(stage, from, to);
  }

  /** What was measured so far, `total` up to now. */
  timings(): Timings {
    return { ...this.#durations, total: this.#clock.now() - this.#startedAt };
  }

  #stayed(stage: Stage, from: number): void {
    const to = this.#clock.now();
    this.record(stage, to - from);
    this.#observer?.(stage, from, to);
  }
}

/**
 * Ms from the last byte of the body to the answer: what the server itself took, and what the deadline bounds.
 * Null for a request whose body was not read.
 */
export function answerMs({ total, limit, admit, read, validate }: Timings): number | null {
  if (total === undefined || read === undefined || validate === undefined) return null;
  return Math.max(0, total - (limit ?? 0) - (admit ?? 0) - read);
}
