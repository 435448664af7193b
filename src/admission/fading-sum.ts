/** What is added counts for a third of it after this time. */
const FADE_MS = 1000;

/** A sum whose parts fade as time goes by: what was added lately. */
export class FadingSum {
  #sum = 0;
  #asOf = 0;

  /** @param now instant in ms, no earlier than any before */
  add(value: number, now: number): void {
    this.#sum = this.at(now) + value;
    this.#asOf = now;
  }

  /** What is left of it at this instant. */
  at(now: number): number {
    return this.#sum * Math.exp((this.#asOf - now) / FADE_MS);
  }
}
