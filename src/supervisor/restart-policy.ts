const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 10_000;

export interface RestartPolicyOptions {
  /** Restarts in a row, without a good run between them, after which there is no other. */
  limit: number;
  /** A run that served for so long is a good one: what comes after it starts from the beginning. */
  stableMs: number;
  /** Uniform in [0, 1). */
  random: () => number;
}

/**
 * When a process that has ended is started again: exponential backoff, half of each delay by chance, so that several
 * that died together do not start together. The first restart comes within 100 ms.
 */
export class RestartPolicy {
  readonly #options: RestartPolicyOptions;
  #inRow = 0;

  constructor(options: RestartPolicyOptions) {
    this.#options = options;
  }

  /**
   * @param servedMs how long the run that has ended was ready for
   * @returns ms to wait before the next start; null: there have been enough
   */
  next(servedMs: number): number | null {
    const { limit, stableMs, random } = this.#options;
    if (servedMs >= stableMs) this.#inRow = 0;
    if (this.#inRow >= limit) return null;
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#inRow);
    this.#inRow++;
    return delay * (0.5 + random() / 2);
  }
}
