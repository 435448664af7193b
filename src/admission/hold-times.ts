/** Weight of the newest hold in the means: the last twenty or so decide. */
const NEWEST = 0.1;
const MAX_SECONDS = 30;

/**
 * How long permits are held, as exponentially weighted means, and from that how long the server needs for what
 * it holds now. Little's law: throughput is the mean number admitted over the mean hold time.
 */
export class HoldTimes {
  #meanHoldMs = 0;
  #meanPosition = 1;
  #any = false;

  /** @param position how many were admitted when the permit was given, itself included */
  add(holdMs: number, position: number): void {
    const weight = this.#any ? NEWEST : 1;
    this.#any = true;
    this.#meanHoldMs += weight * (holdMs - this.#meanHoldMs);
    this.#meanPosition += weight * (position - this.#meanPosition);
  }

  /** Whole seconds, 1..30, until `admitted` requests should have left. */
  drainSeconds(admitted: number): number {
    const drainMs = (admitted * this.#meanHoldMs) / this.#meanPosition;
    return Math.min(MAX_SECONDS, Math.max(1, Math.ceil(drainMs / 1000)));
  }
}
