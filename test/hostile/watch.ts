import { readFileSync } from "node:fs";
import { residentBytes } from "../system/held.ts";
import { asOperator, type RunningServer } from "../system/server.ts";

const LOOK_EVERY_MS = 5000;
const SAMPLE_EVERY_MS = 100;
const SAMPLES_PER_SECOND = 10;
const MIB = 1024 * 1024;

/** Looks at a server from outside while it is being maltreated. */
export class Watch implements Disposable {
  readonly #server: RunningServer;
  readonly #timers: Timer[];
  readonly #waited: number[] = [];
  #delayMs = 0;
  #coreWaitMs = 0;

  constructor(server: RunningServer) {
    this.#server = server;
    this.#timers = [
      // The server looks back ten to twenty seconds: nothing is missed.
      setInterval(() => void this.look().catch(() => undefined), LOOK_EVERY_MS),
      setInterval(() => this.#sampleCoreWait(), SAMPLE_EVERY_MS),
    ];
  }

  /** Longest delay of its event loop so far. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /**
   * Most milliseconds in any one second for which its main thread was ready to run and the kernel gave it no core:
   * that much of a delay is the machine's, not the server's.
   */
  get coreWaitMs(): number {
    return this.#coreWaitMs;
  }

  /** Asks the server for its delay. @returns what is resident now, in bytes */
  async look(): Promise<number> {
    const text = await (await fetch(`${this.#server.url}/metrics`, asOperator)).text();
    const seconds = /^pinhole_event_loop_delay_seconds\{statistic="max"\} (\S+)$/m.exec(text)?.[1];
    if (seconds === undefined) throw new Error("the server tells no delay of its event loop");
    this.#delayMs = Math.max(this.#delayMs, Number(seconds) * 1000);
    return residentBytes(this.#server.pid);
  }

  async line(): Promise<string> {
    const bytes = await this.look();
    return `  so far: ${this.delays()}; resident ${(bytes / MIB).toFixed(0)} MiB`;
  }

  delays(): string {
    return `event loop late by at most ${this.#delayMs.toFixed(0)} ms (waiting for a core at most ${this.#coreWaitMs.toFixed(0)} ms of a second)`;
  }

  [Symbol.dispose]() {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #sampleCoreWait(): void {
    const { pid } = this.#server;
    // Nanoseconds on a core, nanoseconds ready without one, slices (Linux, sched-stats).
    const [, waitedNs] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ");
    this.#waited.push(Number(waitedNs) / 1e6);
    if (this.#waited.length > SAMPLES_PER_SECOND + 1) this.#waited.shift();
    this.#coreWaitMs = Math.max(this.#coreWaitMs, this.#waited.at(-1)! - this.#waited[0]!);
  }
}
