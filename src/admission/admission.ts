import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import { HoldTimes } from "./hold-times.ts";

const MIB = 1024 * 1024;

export interface AdmissionOptions {
  /** Requests admitted at once, waiting ones included. */
  queueCapacity: number;
  /** Bytes of their bodies at once. */
  queueMaxBytes: number;
  clock: Clock;
  /** Uniform in [0, 1): spreads Retry-After, so that those refused together do not come back together. */
  random: () => number;
}

/** A place among the admitted, given back by `using` or `release`; giving it back twice is harmless. */
export interface Permit extends Disposable {
  /**
   * Counts `bytes` more, for a body that did not declare its size. What was counted before stays counted.
   * @throws {PinholeError} OVERLOADED when no room is left for them
   */
  grow(bytes: number): void;
  release(): void;
}

/** Bounds how many requests, and how many bytes of their bodies, the server holds at once. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #holdTimes = new HoldTimes();
  #admitted = 0;
  #bytes = 0;
  #closed = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Requests held now. */
  get admitted(): number {
    return this.#admitted;
  }

  /** Body bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether `close` was called. */
  get draining(): boolean {
    return this.#closed;
  }

  /**
   * @param request.bytes declared size of the body; 0 where unknown, to `grow` while it is read
   * @throws {PinholeError} DRAINING after `close`; OVERLOADED when full; FILE_TOO_LARGE for a body that an
   *   empty server would not hold either, for which waiting is no help
   */
  admit(request: { bytes: number }): Permit {
    if (this.#closed) throw this.#refusal("DRAINING", "The server is shutting down; send the request again.");
    if (this.#admitted >= this.#options.queueCapacity) {
      throw this.#refusal("OVERLOADED", "As many requests as the server takes are being served; try again.");
    }
    this.#reserve(request.bytes, 0);
    this.#admitted++;
    return this.#permit(request.bytes);
  }

  /** From now on nothing is admitted; what is admitted stays so until it is given back. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves once nothing is admitted. */
  idle(): Promise<void> {
    if (this.#admitted === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Whole seconds, from 1 on, after which there should be room again; jittered up to twice the estimate. */
  retryAfterSeconds(): number {
    const seconds = this.#holdTimes.drainSeconds(this.#admitted);
    return seconds + Math.floor(this.#options.random() * (seconds + 1));
  }

  #permit(bytes: number): Permit {
    const from = this.#options.clock.now();
    const position = this.#admitted;
    let counted = bytes;
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.#holdTimes.add(this.#options.clock.now() - from, position);
      this.#giveBack(counted);
    };
    const grow = (more: number) => {
      if (!held) throw new Error("A permit that was given back cannot grow.");
      this.#reserve(more, counted);
      counted += more;
    };
    return { grow, release, [Symbol.dispose]: release };
  }

  /** @param own bytes that the same request holds already */
  #reserve(bytes: number, own: number): void {
    const { queueMaxBytes } = this.#options;
    if (own + bytes > queueMaxBytes) {
      const max_size_mb = queueMaxBytes / MIB;
      const members = { file_size_mb: (own + bytes) / MIB, max_size_mb, filename: null };
      throw new PinholeError("FILE_TOO_LARGE", `A request body may have ${max_size_mb} MB here.`, {
        members,
      });
    }
    if (this.#bytes + bytes > queueMaxBytes) {
      throw this.#refusal("OVERLOADED", "As many bytes as the server takes are being served; try again.");
    }
    this.#bytes += bytes;
  }

  #giveBack(bytes: number): void {
    this.#admitted--;
    this.#bytes -= bytes;
    if (this.#admitted > 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #refusal(code: "OVERLOADED" | "DRAINING", detail: string): PinholeError {
    return new PinholeError(code, detail, { members: { retry_after_seconds: this.retryAfterSeconds() } });
  }
}
