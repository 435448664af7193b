import type { Clock } from "../clock.ts";

export interface MemoryGuardOptions {
  /** What the process holds now. */
  residentBytes: () => number;
  /** From here on new work is refused. */
  softBytes: number;
  /** From here on the process ends, before the kernel ends it. At least `softBytes`. */
  hardBytes: number;
  clock: Clock;
  /** Gives back what can be given back: caches, garbage. */
  relieve: () => void;
  onShed: (residentBytes: number) => void;
  onRelief: (residentBytes: number) => void;
  /** Told once, when the process should be replaced: past the hard limit, or no way back below the soft one. */
  onExhausted: (residentBytes: number) => void;
}

/** New work is taken again below this share of the soft limit, so that the guard does not flap. */
const RESUME_SHARE = 0.95;
const RELIEVE_EVERY_MS = 5000;
/** By then whatever was being served when it began is long answered: what is held still will not be given back. */
const STUCK_MS = 120_000;

/** Watches what the process holds: sheds load at a soft limit, asks for a fresh process at a hard one. */
export class MemoryGuard {
  readonly #options: MemoryGuardOptions;
  #since: number | null = null;
  #relievedAt = 0;
  #exhausted = false;

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
  }

  /** Whether new work is to be refused. */
  get shedding(): boolean {
    return this.#since !== null;
  }

  /** What must not be passed for new work to be taken again. */
  get resumeBytes(): number {
    return RESUME_SHARE * this.#options.softBytes;
  }

  /** For a timer, a few times a second. */
  look(): void {
    const { softBytes, hardBytes, clock, onShed, onRelief } = this.#options;
    const bytes = this.#options.residentBytes();
    const now = clock.now();
    if (this.#since === null) {
      if (bytes < softBytes) return;
      this.#since = now;
      onShed(bytes);
      this.#relieve(now);
    } else if (bytes < this.resumeBytes) {
      this.#since = null;
      onRelief(bytes);
    } else if (now - this.#relievedAt >= RELIEVE_EVERY_MS) this.#relieve(now);
    if (bytes >= hardBytes || (this.#since !== null && now - this.#since >= STUCK_MS)) this.#exhaust(bytes);
  }

  #relieve(now: number): void {
    this.#relievedAt = now;
    this.#options.relieve();
  }

  #exhaust(bytes: number): void {
    if (this.#exhausted) return;
    this.#exhausted = true;
    this.#options.onExhausted(bytes);
  }
}
