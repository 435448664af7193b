import type { AdaptiveLimit } from "./adaptive-limit.ts";

export interface QueueBoundOptions {
  limit: Pick<AdaptiveLimit, "limit" | "heldMs">;
  /** Longest wait for a turn that is worth it, ms; 0: none is too long. */
  waitMs: number;
  /** Images that may wait, however fast they are answered, at least 1. */
  capacityMax: number;
}

/** Of those who would just make it in time, how many are let in: the estimate is one, and none should wait in vain. */
const SAFE_SHARE = 0.7;
/** Where an image takes long, a wait of four times that is still none to complain of. */
const WAIT_PER_HELD = 4;

/**
 * How many images may wait, and how long, from how fast they are answered now. By Little's law that is the number
 * in flight over the time that each is: whoever comes last into a full queue waits for about `waitMs`.
 */
export class QueueBound {
  readonly #options: QueueBoundOptions;

  constructor(options: QueueBoundOptions) {
    this.#options = options;
  }

  /** Longest wait now, ms; infinite where none is too long. */
  get waitMs(): number {
    const { limit, waitMs } = this.#options;
    return waitMs === 0 ? Number.POSITIVE_INFINITY : Math.max(waitMs, WAIT_PER_HELD * limit.heldMs);
  }

  /**
   * Images that may wait now: no fewer than a few rounds of what is in flight, no more than `capacityMax`, which
   * it is before the first image was answered.
   */
  get capacity(): number {
    const { limit, capacityMax } = this.#options;
    if (limit.heldMs === 0) return capacityMax;
    const answered = (this.waitMs * limit.limit) / limit.heldMs;
    return Math.min(capacityMax, Math.floor(SAFE_SHARE * answered));
  }
}
