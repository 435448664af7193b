import type { Clock } from "../clock.ts";

const INTERVAL_MS = 1000;

/**
 * When to log that a full server refuses requests: the first at once, then one line a second with how many there
 * were. Each of them is in the access log and counted by code; to say so twice cost more than refusing them did.
 */
export class RefusalLog {
  readonly #clock: Clock;
  #quietUntil = Number.NEGATIVE_INFINITY;
  #untold = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One more was refused. @returns how many a line is to tell of, this one included; 0: no line now */
  count(): number {
    this.#untold++;
    const now = this.#clock.now();
    if (now < this.#quietUntil) return 0;
    this.#quietUntil = now + INTERVAL_MS;
    const told = this.#untold;
    this.#untold = 0;
    return told;
  }
}
