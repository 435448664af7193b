/** Lets at most `max` pass at once, first come, first served. */
export class Turnstile {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  /** @param max at least 1 */
  constructor(max: number) {
    this.#max = max;
  }

  /** How many are inside now. */
  get inside(): number {
    return this.#inside;
  }

  /** Waits for a turn; disposing of it lets the next one in. */
  async enter(): Promise<Disposable> {
    if (this.#inside < this.#max) this.#inside++;
    // Whoever leaves hands the place on, so that nobody slips in between.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let inside = true;
    return {
      [Symbol.dispose]: () => {
        if (!inside) return;
        inside = false;
        const next = this.#waiting.shift();
        if (next === undefined) this.#inside--;
        else next();
      },
    };
  }
}
