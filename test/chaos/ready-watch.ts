/** A stretch of time in which the server was not ready. Instants of `performance.now()`. */
export interface Outage {
  from: number;
  to: number;
}

const LOOK_EVERY_MS = 20;
const LOOK_TIMEOUT_MS = 1000;

/** Asks `/health/ready` all the time. Whoever does not answer within a second is not ready. */
export class ReadyWatch implements AsyncDisposable {
  readonly outages: Outage[] = [];
  readonly #url: string;
  readonly #watching: Promise<void>;
  #since: number | null = null;
  #stopped = false;

  constructor(url: string) {
    this.#url = url;
    this.#watching = this.#watch();
  }

  /** Whether it was at the last look. */
  get ready(): boolean {
    return this.#since === null;
  }

  /** The longest outage since `from`, one that still lasts included, in ms; 0: it was ready throughout. */
  longestMs(from: number): number {
    const lasting = this.#since === null ? [] : [{ from: this.#since, to: performance.now() }];
    // The look that found it out may have begun before it did.
    const outages = [...this.outages, ...lasting].map((outage) => outage.to - Math.max(outage.from, from));
    return Math.max(0, ...outages);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      const askedAt = performance.now();
      const ready = await this.#look();
      if (!ready) this.#since ??= askedAt;
      else if (this.#since !== null) {
        this.outages.push({ from: this.#since, to: performance.now() });
        this.#since = null;
      }
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }

  async #look(): Promise<boolean> {
    const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
    const response = await fetch(`${this.#url}/health/ready`, { signal }).catch(() => null);
    await response?.body?.cancel();
    return response?.status === 200;
  }
}
