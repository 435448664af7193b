/** Bytes that may wait to be written; past it lines are dropped and counted. */
const WAITING_MAX_BYTES = 8 * 1024 * 1024;
/** Lines of so long go together: each write wakes another thread and is told of by a turn of this one. */
const GATHER_MS = 50;

export interface LineQueueOptions {
  /** Writes whole lines; what it throws costs these lines. One call at a time. */
  append(lines: string, bytes: number): Promise<void>;
  /** The same before it returns, for a process that ends at once. */
  appendSync(lines: string): void;
  /** Most bytes of one call, but for a single line that is longer. */
  maxBytes: number;
  /** Told when a write fails, once until one succeeds again. */
  onTrouble(error: unknown): void;
}

/**
 * Takes lines off their writer's path: `write` only queues, one write at a time takes all that waits. What
 * cannot be written is counted and forgotten: a full disk or a reader that is gone stops no request.
 */
export class LineQueue {
  readonly #options: LineQueueOptions;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #draining: Promise<void> | null = null;
  #inTrouble = false;
  #lost = 0;
  /** Calls of `flush` that wait: meanwhile nothing is gathered. */
  #flushes = 0;
  /** Ends the gathering. */
  #gathered: () => void = () => undefined;

  constructor(options: LineQueueOptions) {
    this.#options = options;
  }

  /** Lines that could not be written. */
  get lost(): number {
    return this.#lost;
  }

  /** @param line with its newline */
  write(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (this.#waitingBytes + bytes > WAITING_MAX_BYTES) {
      this.#lost++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += bytes;
    this.#draining ??= this.#drain();
  }

  /** Resolves when everything written so far is written, or lost. */
  async flush(): Promise<void> {
    this.#flushes++;
    this.#gathered();
    try {
      while (this.#draining !== null) await this.#draining;
    } finally {
      this.#flushes--;
    }
  }

  /** What still waits is written before this returns, best effort; what is just being written is not waited for. */
  flushSync(): void {
    const { lines, count } = this.#take(Number.POSITIVE_INFINITY);
    if (count === 0) return;
    try {
      this.#options.appendSync(lines);
    } catch (error) {
      this.#fail(error, count);
    }
  }

  async #drain(): Promise<void> {
    if (this.#flushes === 0) await this.#gather();
    while (this.#waiting.length > 0) {
      const { lines, bytes, count } = this.#take(this.#options.maxBytes);
      try {
        await this.#options.append(lines, bytes);
        this.#inTrouble = false;
      } catch (error) {
        this.#fail(error, count);
      }
    }
    this.#draining = null;
  }

  #gather(): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS);
      this.#gathered = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** The oldest lines that wait, up to `maxBytes` of them, at least one. */
  #take(maxBytes: number): { lines: string; bytes: number; count: number } {
    let bytes = 0;
    let count = 0;
    for (const line of this.#waiting) {
      const size = Buffer.byteLength(line);
      if (count > 0 && bytes + size > maxBytes) break;
      bytes += size;
      count++;
    }
    const lines = this.#waiting.slice(0, count).join("");
    this.#waiting = this.#waiting.slice(count);
    this.#waitingBytes -= bytes;
    return { lines, bytes, count };
  }

  #fail(error: unknown, lines: number): void {
    this.#lost += lines;
    if (!this.#inTrouble) this.#options.onTrouble(error);
    this.#inTrouble = true;
  }
}
