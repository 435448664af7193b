import type { Sample } from "./exposition.ts";
import { bytes, duration, rate } from "./figures.ts";
import { sampleOf, type Target } from "./target.ts";

const SAMPLES = 120;
const INTERVAL_LEAST_MS = 500;
const SAYS_EVERY_SECONDS = 10;

/** Reads the server's figures now and then from its making until it is stopped, and says how it goes. */
export class Sampling {
  readonly #target: Target;
  readonly #seconds: number;
  readonly #say: (line: string) => void;
  /** Their seconds count from the sampling's own beginning. */
  readonly #samples: Sample[] = [];
  readonly #startedAtMs = Date.now();
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #reading = false;
  #saidAt = 0;

  constructor(target: Target, seconds: number, say: (line: string) => void) {
    this.#target = target;
    this.#seconds = seconds;
    this.#say = say;
    const intervalMs = Math.max(INTERVAL_LEAST_MS, (seconds * 1000) / SAMPLES);
    this.#timer = setInterval(() => void this.#read(), intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What was read while the load lasted. @param loadAtMs when that began, in ms since 1970; 0: with the sampling */
  since(loadAtMs: number): Sample[] {
    const delay = loadAtMs === 0 ? 0 : (loadAtMs - this.#startedAtMs) / 1000;
    return whileLoaded(this.#samples, delay, this.#seconds);
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    const second = (performance.now() - this.#startedAt) / 1000;
    const sample = await sampleOf(this.#target, second);
    this.#reading = false;
    if (sample !== null) this.#samples.push(sample);
    if (second - this.#saidAt < SAYS_EVERY_SECONDS) return;
    const before = this.#samples.findLast((earlier) => earlier.second <= this.#saidAt) ?? this.#samples[0];
    this.#saidAt = second;
    const progress = `  ${duration(Math.round(second))} of ${duration(this.#seconds)}`;
    this.#say(sample === null || before === undefined ? progress : `${progress}: ${said(before, sample)}`);
  }
}

/** Those within the load, with seconds since it began. @param delay from the first count of seconds to that, in s */
export function whileLoaded(samples: readonly Sample[], delay: number, seconds: number): Sample[] {
  return samples
    .map((sample) => ({ ...sample, second: sample.second - delay }))
    .filter(({ second }) => second >= 0 && second <= seconds);
}

function said(before: Sample, now: Sample): string {
  const perSecond = (now.predictions - before.predictions) / Math.max(1e-3, now.second - before.second);
  return `${rate(perSecond)} predictions/s, ${now.admittedRequests} admitted, ${bytes(now.residentBytes)}`;
}
