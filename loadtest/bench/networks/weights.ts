import { seededRandom } from "../random.ts";

/** The same random weights on every machine. */
export class Weights {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /**
   * Even over -sqrt(3) * deviation .. sqrt(3) * deviation, so that `deviation` is what it says. No bell curve:
   * logarithms and cosines differ between engines in their last digit.
   */
  draw(length: number, deviation: number): Float32Array {
    const bound = Math.sqrt(3) * deviation;
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++) values[i] = (this.#next() * 2 ** -31 - 1) * bound;
    return values;
  }
}
