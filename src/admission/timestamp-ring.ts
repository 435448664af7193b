const FIRST_CAPACITY = 4;

/** First in, first out, of instants in whole ms; grows by doubling up to `limit`, for most clients send little. */
export class TimestampRing {
  readonly #limit: number;
  #slots: Float64Array;
  #head = 0;
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#slots = new Float64Array(Math.min(limit, FIRST_CAPACITY));
  }

  get length(): number {
    return this.#length;
  }

  /** The earliest instant; only where `length` > 0. */
  get oldest(): number {
    return this.#slots[this.#head]!;
  }

  /** The latest instant; only where `length` > 0. */
  get newest(): number {
    return this.#slots[(this.#head + this.#length - 1) % this.#slots.length]!;
  }

  /** Only where `length` < limit. */
  push(instant: number): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) % this.#slots.length] = instant;
    this.#length++;
  }

  /** Forgets every instant at or before `instant`. */
  dropUpTo(instant: number): void {
    while (this.#length > 0 && this.oldest <= instant) {
      this.#head = (this.#head + 1) % this.#slots.length;
      this.#length--;
    }
  }

  #grow(): void {
    const grown = new Float64Array(Math.min(this.#limit, this.#slots.length * 2));
    const tail = this.#slots.subarray(this.#head);
    grown.set(tail);
    grown.set(this.#slots.subarray(0, this.#head), tail.length);
    this.#slots = grown;
    this.#head = 0;
  }
}
