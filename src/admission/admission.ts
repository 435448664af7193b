import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import { ClientGone, type DropReason } from "./drop.ts";
import { HoldTimes } from "./hold-times.ts";

const MIB = 1024 * 1024;

export interface AdmissionOptions {
  /** Requests admitted at once, waiting ones included. */
  queueCapacity: number;
  /** Bytes of their bodies at once. */
  queueMaxBytes: number;
  /** Whether as many wait for their turn as should, and a newcomer of this client would not get one. Default: never. */
  isQueueFull?: (clientKey: string) => boolean;
  clock: Clock;
  /** Uniform in [0, 1): spreads Retry-After, so that those refused together do not come back together. */
  random: () => number;
  /** Told of each that gave up waiting for a place. */
  onDrop?: (reason: DropReason) => void;
}

/** Whoever waits for a place, and until when. */
export interface AdmissionWaiter {
  /** Aborts when the client has gone. */
  signal: AbortSignal;
  /** Instant of the clock. */
  deadline: number;
}

interface Waiting {
  bytes: number;
  /** Ends the wait, which then has its place. */
  enter(): void;
}

/** A place among the admitted, given back by `using` or `release`; giving it back twice is harmless. */
export interface Permit extends Disposable {
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
  /** Requests whose body has come, first come first. */
  readonly #waiting = new Set<Waiting>();

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
   * Whether a request would be admitted now; takes nothing. Asked before its body is read.
   * @param request.bytes declared size of the body; 0 where unknown
   * @throws {PinholeError} DRAINING after `close`; OVERLOADED when full; FILE_TOO_LARGE for a body that an
   *   empty server would not hold either, for which waiting is no help
   */
  check({ clientKey, bytes }: { clientKey: string; bytes: number }): void {
    if (this.#closed) throw this.#refusal("DRAINING", "The server is shutting down; send the request again.");
    this.#refuseTooLarge(bytes);
    if (this.#waiting.size > 0 || this.#admitted >= this.#options.queueCapacity)
      throw this.#refusal("OVERLOADED", "As many requests as the server takes are being served; try again.");
    if (!this.#hasRoom(bytes))
      throw this.#refusal("OVERLOADED", "As many bytes as the server takes are being served; try again.");
    if (this.#options.isQueueFull?.(clientKey))
      throw this.#refusal("OVERLOADED", "As many images wait as can be answered soon; try again.");
  }

  /**
   * For a request whose body has come: whoever had it read does not send it twice, so it waits for its place,
   * first come, first served, while those who have not begun are refused. A drain lets it in, too.
   * @param request.bytes of the body
   * @throws {PinholeError} FILE_TOO_LARGE as `check`; DEADLINE_EXCEEDED
   * @throws {ClientGone}
   */
  admit({ bytes }: { bytes: number }, { signal, deadline }: AdmissionWaiter): Promise<Permit> {
    this.#refuseTooLarge(bytes);
    if (this.#waiting.size === 0 && this.#hasRoom(bytes)) return Promise.resolve(this.#take(bytes));
    const { clock, onDrop } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Permit>();
    const leave = () => {
      this.#waiting.delete(waiting);
      signal.removeEventListener("abort", gone);
      cancel();
    };
    const drop = (reason: DropReason, error: Error) => {
      leave();
      onDrop?.(reason);
      reject(error);
      this.#serve();
    };
    const waiting = {
      bytes,
      enter: () => {
        leave();
        resolve(this.#take(bytes));
      },
    };
    const late = new PinholeError(
      "DEADLINE_EXCEEDED",
      "The deadline passed before there was a place: try later.",
    );
    const gone = () => drop("client_gone", new ClientGone());
    const cancel = clock.after(Math.max(0, deadline - clock.now()), () => drop("deadline", late));
    signal.addEventListener("abort", gone, { once: true });
    this.#waiting.add(waiting);
    if (signal.aborted) gone();
    return promise;
  }

  /** From now on nothing new is let in; what is admitted stays so until it is given back. */
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
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.#holdTimes.add(this.#options.clock.now() - from, position);
      this.#giveBack(bytes);
    };
    return { release, [Symbol.dispose]: release };
  }

  #take(bytes: number): Permit {
    this.#admitted++;
    this.#bytes += bytes;
    return this.#permit(bytes);
  }

  #hasRoom(bytes: number): boolean {
    const { queueCapacity, queueMaxBytes } = this.#options;
    return this.#admitted < queueCapacity && this.#bytes + bytes <= queueMaxBytes;
  }

  /** Lets in those who wait, in their order, as far as there is room. */
  #serve(): void {
    for (const waiting of this.#waiting) {
      if (!this.#hasRoom(waiting.bytes)) return;
      waiting.enter();
    }
  }

  #refuseTooLarge(bytes: number): void {
    const { queueMaxBytes } = this.#options;
    if (bytes <= queueMaxBytes) return;
    const max_size_mb = queueMaxBytes / MIB;
    throw new PinholeError("FILE_TOO_LARGE", `A request body may have ${max_size_mb} MB here.`, {
      members: { file_size_mb: bytes / MIB, max_size_mb, filename: null },
    });
  }

  #giveBack(bytes: number): void {
    this.#admitted--;
    this.#bytes -= bytes;
    this.#serve();
    if (this.#admitted > 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #refusal(code: "OVERLOADED" | "DRAINING", detail: string): PinholeError {
    return new PinholeError(code, detail, { members: { retry_after_seconds: this.retryAfterSeconds() } });
  }
}
