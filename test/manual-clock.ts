import type { Clock } from "../src/clock.ts";

interface Timer {
  at: number;
  order: number;
  task: () => void;
}

/** A clock that stands still until a test moves it. Timers run in the order of their instants while it moves. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #wallOffset: number;
  readonly #timers = new Set<Timer>();

  /** @param now first instant in ms; @param wall wall-clock time in ms at that instant */
  constructor(now = 0, wall = Date.UTC(2026, 0, 1)) {
    this.#now = now;
    this.#wallOffset = wall - now;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return Math.floor(this.#now + this.#wallOffset);
  }

  after(delayMs: number, task: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, task };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have neither run nor been cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time forward and runs what falls due, timers set on the way included. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let timer = this.#nextDue(until); timer !== null; timer = this.#nextDue(until)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.task();
    }
    this.#now = until;
  }

  #nextDue(until: number): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.at > until) continue;
      if (first === null || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) {
        first = timer;
      }
    }
    return first;
  }
}
