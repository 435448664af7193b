/** What is being measured and how long it will still take, on one line of a terminal or on lines of a log. */
export class Progress {
  readonly #write: (text: string) => void;
  readonly #isTerminal: boolean;
  readonly #now: () => number;
  readonly #total: number;
  /** Null before the first measurement. */
  #startedAt: number | null = null;
  #done = 0;

  /** @param total measurements */
  constructor(total: number, out: { write: (text: string) => void; isTerminal: boolean; now: () => number }) {
    this.#write = out.write;
    this.#isTerminal = out.isTerminal;
    this.#now = out.now;
    this.#total = total;
  }

  /** Something that is no measurement. */
  note(text: string): void {
    if (this.#isTerminal) this.#write(`\r\x1b[K${text}`);
  }

  measuring(text: string): void {
    this.#startedAt ??= this.#now();
    const share = `${this.#done}/${this.#total}`;
    const left = this.#done === 0 ? "" : `, ${duration(this.#leftSeconds())} to go`;
    if (this.#isTerminal) this.#write(`\r\x1b[K${share}${left}  ${text}`);
    // A log needs no more than a line every tenth of the way.
    else if (this.#done % Math.ceil(this.#total / 10) === 0) this.#write(`${share}${left}  ${text}\n`);
  }

  measured(): void {
    this.#done++;
  }

  end(): void {
    if (this.#isTerminal) this.#write("\r\x1b[K");
  }

  #leftSeconds(): number {
    const elapsed = (this.#now() - this.#startedAt!) / 1000;
    return (elapsed / this.#done) * (this.#total - this.#done);
  }
}

export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
