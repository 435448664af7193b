import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "../clock.ts";

const WINDOW_MS = 10_000;
const RESOLUTION_MS = 20;

/**
 * How late the event loop of this thread is: a timer every 20 ms, and how far past its time it ran. Looks
 * back over the window that ended last and the one that runs, 10 to 20 s, however often it is asked.
 */
export class EventLoopDelay {
  readonly #clock: Clock;
  readonly #histogram: ReturnType<typeof monitorEventLoopDelay>;
  #windowFrom: number;
  #last = { meanMs: 0, maxMs: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
    this.#windowFrom = clock.now();
  }

  read(): { meanMs: number; maxMs: number } {
    const current = {
      // Nothing measured yet is NaN.
      meanMs: (this.#histogram.mean || 0) / 1e6,
      maxMs: this.#histogram.max / 1e6,
    };
    const meanMs = Math.max(current.meanMs, this.#last.meanMs);
    // The histogram rounds its largest value: of a single one the mean may come out above it.
    const maxMs = Math.max(current.maxMs, this.#last.maxMs, meanMs);
    if (this.#clock.now() - this.#windowFrom >= WINDOW_MS) {
      this.#last = current;
      this.#windowFrom = this.#clock.now();
      this.#histogram.reset();
    }
    return { meanMs, maxMs };
  }

  close(): void {
    this.#histogram.disable();
  }
}
