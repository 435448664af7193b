import type { Clock } from "../clock.ts";

/** What one image that was answered cost. */
export interface Work {
  /** From being given its slot to giving it back, ms: waiting for decoder and worker included. */
  heldMs: number;
  /** Of that, what decoder and worker were busy with it, ms. */
  busyMs: number;
  /** Images that the worker ran together with it, itself included. */
  rows: number;
  /** Slots held when it gave its own back, itself included. */
  inFlight: number;
}

export interface AdaptiveLimitOptions {
  /** Workers, at least 1. */
  workers: number;
  /** Most rows that a worker takes at once, at least 1. */
  largestBatch: number;
  /** Lowest limit, at least `workers`: below it some would have nothing to do. */
  min: number;
  /** Highest limit; the same as `min` makes it a fixed number. */
  max: number;
  clock: Clock;
}

/** A window is at least this long, and as many images long as the limit: one round of what is in flight. */
const WINDOW_MS = 100;
/** So much longer than its work an image may take without anything being the matter: a quarter, as in Envoy. */
const BUFFER = 1.25;
/** One window halves the limit at most, so that one odd image does not: as in Gradient2Limit. */
const STEEPEST = 0.5;
/** Share of the way from the old limit to the new one that a window goes. */
const SMOOTHING = 0.5;

/**
 * Finds how many images may be worked on at once. The more there are, the longer each waits between its stations
 * while the workers answer no more of them; with too few the workers wait. After each window
 *
 *     gradient = buffer * latency without waiting / latency        within [0.5, 1]
 *     limit    = gradient * limit + headroom                       half of the way there
 *
 * which is the rule of Envoy's adaptive concurrency filter
 * (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/adaptive_concurrency_filter), with
 * the bounds, the smoothing and the "no growth while the limit is not reached" of Gradient2Limit
 * (https://github.com/Netflix/concurrency-limits). Both have to guess the latency without waiting: Envoy lets
 * hardly anyone in for a while and looks, Netflix takes the mean of some minutes, which rises with a long overload.
 * Here every station is timed, so it is known of each image: what decoder and worker were busy with it. A slower
 * model or a larger photograph is therefore never taken for a queue, nothing has to be probed, and no queue is
 * ever taken for the normal state.
 *
 * Where each image is `s` ms in a worker and `d` ms in the decoder, `k` workers end up with about
 * k * (1 + d / s) + sqrt(k) in flight, a quarter more at most: those being worked on, and enough that are ready.
 * For batches it is that many of them. The headroom follows the number of workers, as the square-root rule for
 * staffing does, not that of the images, as Envoy's must, which does not know the workers.
 */
export class AdaptiveLimit {
  readonly #options: AdaptiveLimitOptions;
  #exact: number;
  #gradient = 1;
  #baselineMs = 0;
  #heldMs = 0;
  #window: { since: number; count: number; heldMs: number; busyMs: number; rows: number; inFlight: number };

  constructor(options: AdaptiveLimitOptions) {
    const { workers, min, max } = options;
    this.#options = options;
    this.#exact = Math.min(max, Math.max(min, workers + Math.sqrt(workers)));
    this.#window = this.#newWindow();
  }

  /** Images that may be in flight now, whole, `min` to `max`. */
  get limit(): number {
    return Math.floor(this.#exact);
  }

  /** Share of their time in flight that the last images were worked on, 0..1; 1: nothing waits. */
  get gradient(): number {
    return this.#gradient;
  }

  /** Mean time of the last images without waiting, ms; 0 before the first. */
  get baselineMs(): number {
    return this.#baselineMs;
  }

  /** Mean time that the last images were in flight, ms; 0 before the first. */
  get heldMs(): number {
    return this.#heldMs;
  }

  /** One image was answered. Those that failed say nothing about how long an answer takes. */
  add({ heldMs, busyMs, rows, inFlight }: Work): void {
    const window = this.#window;
    window.count++;
    window.heldMs += heldMs;
    window.busyMs += Math.min(busyMs, heldMs);
    window.rows = Math.max(window.rows, rows);
    window.inFlight = Math.max(window.inFlight, inFlight);
    const now = this.#options.clock.now();
    if (now - window.since < WINDOW_MS || window.count < this.limit || window.heldMs === 0) return;
    this.#close();
    this.#window = this.#newWindow();
  }

  #newWindow() {
    return { since: this.#options.clock.now(), count: 0, heldMs: 0, busyMs: 0, rows: 1, inFlight: 0 };
  }

  #close(): void {
    const { workers, largestBatch, min, max } = this.#options;
    const { count, heldMs, busyMs, rows, inFlight } = this.#window;
    const weight = this.#heldMs === 0 ? 1 : SMOOTHING;
    this.#heldMs += weight * (heldMs / count - this.#heldMs);
    this.#baselineMs += weight * (busyMs / count - this.#baselineMs);
    // Of the sums, not the mean of the shares: a small image that waits behind large ones is no sign of a queue.
    this.#gradient = busyMs / heldMs;
    const gradient = Math.max(STEEPEST, Math.min(1, BUFFER * this.#gradient));
    // Room for one row more than there were, so that batches can grow.
    const next = gradient * this.#exact + Math.sqrt(workers) * Math.min(rows + 1, largestBatch);
    if (next > this.#exact && inFlight < this.limit) return;
    this.#exact = Math.min(max, Math.max(min, this.#exact + SMOOTHING * (next - this.#exact)));
  }
}
