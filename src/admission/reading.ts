import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Admission, AdmissionWaiter, Permit } from "./admission.ts";
import { HoldTimes } from "./hold-times.ts";

const MIB = 1024 * 1024;
/** Of all bytes, that the bodies of one client may hold as soon as it has more than one. */
const CLIENT_SHARE = 1 / 4;

export interface ReadingOptions {
  /** Bodies read at once. */
  readConcurrency: number;
  /** Of these, bodies of one client. */
  readPerClient: number;
  /** Bytes of them, counted as they come: a slow phone holds what it has sent, not what it is about to. */
  readMaxBytes: number;
  /** What the requests go on to once their body has come. */
  admission: Pick<Admission, "check" | "admit">;
  /** Whether the process is short of memory, so that nothing new is read. Default: never. */
  shedding?: () => boolean;
  clock: Clock;
  /** Uniform in [0, 1): spreads Retry-After. */
  random: () => number;
}

/** The right to read one body, given back by `using`, or by going on; giving it back twice is harmless. */
export interface ReadPermit extends Disposable {
  /**
   * Counts `bytes` that have come.
   * @throws {PinholeError} OVERLOADED when there is no room for them; FILE_TOO_LARGE when there never would be
   */
  grow(bytes: number): void;
  /**
   * The body has come: this permit for one to serve it, which may have to be waited for.
   * @throws {PinholeError} DEADLINE_EXCEEDED
   * @throws {ClientGone}
   */
  admit(waiter: AdmissionWaiter): Promise<Permit>;
  release(): void;
}

interface Client {
  bodies: number;
  bytes: number;
}

/**
 * Bounds the bodies that are read at once, in all and for each client, apart from the requests that are being
 * served: a body that trickles in for a minute keeps nobody from being answered.
 */
export class Reading {
  readonly #options: ReadingOptions;
  readonly #holdTimes = new HoldTimes();
  readonly #clients = new Map<string, Client>();
  #bodies = 0;
  #bytes = 0;

  constructor(options: ReadingOptions) {
    this.#options = options;
  }

  /** Bodies being read now. */
  get bodies(): number {
    return this.#bodies;
  }

  /** Bytes of them that have come. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @param request.bytes declared size of the body; 0 where unknown
   * @throws {PinholeError} DRAINING; OVERLOADED when there is no room to read it, or to serve it were it there;
   *   FILE_TOO_LARGE for a body that an empty server would not hold either
   */
  enter(request: { clientKey: string; bytes: number }): ReadPermit {
    const { readConcurrency, readPerClient, readMaxBytes, admission, shedding } = this.#options;
    admission.check(request);
    if (shedding?.()) throw this.#refusal("The server is short of memory", this.#bodies);
    const client = this.#clients.get(request.clientKey) ?? { bodies: 0, bytes: 0 };
    if (request.bytes > readMaxBytes) throw tooLarge(request.bytes, readMaxBytes);
    if (client.bodies >= readPerClient)
      throw this.#refusal("As many bodies as one client may send at once are being read", client.bodies);
    if (this.#bodies >= readConcurrency || this.#bytes >= readMaxBytes)
      throw this.#refusal("As many bodies as the server takes are being read", this.#bodies);
    this.#clients.set(request.clientKey, client);
    client.bodies++;
    this.#bodies++;
    return this.#permit(request.clientKey, client);
  }

  #permit(clientKey: string, client: Client): ReadPermit {
    const { admission, clock } = this.#options;
    const from = clock.now();
    const position = this.#bodies;
    let counted = 0;
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.#holdTimes.add(clock.now() - from, position);
      this.#bodies--;
      this.#bytes -= counted;
      client.bodies--;
      client.bytes -= counted;
      if (client.bodies === 0) this.#clients.delete(clientKey);
    };
    const grow = (bytes: number) => {
      if (!held) throw new Error("A permit that was given back cannot grow.");
      this.#reserve(bytes, counted, client);
      counted += bytes;
    };
    const admit = async (waiter: AdmissionWaiter) => {
      const permit = await admission.admit({ bytes: counted }, waiter);
      release();
      return permit;
    };
    return { grow, admit, release, [Symbol.dispose]: release };
  }

  /** @param own bytes that the same body holds already */
  #reserve(bytes: number, own: number, client: Client): void {
    const { readMaxBytes } = this.#options;
    if (own + bytes > readMaxBytes) throw tooLarge(own + bytes, readMaxBytes);
    if (client.bodies > 1 && client.bytes + bytes > CLIENT_SHARE * readMaxBytes)
      throw this.#refusal("As many bytes as one client may send at once are being read", client.bodies);
    if (this.#bytes + bytes > readMaxBytes)
      throw this.#refusal("As many bytes as the server takes are being read", this.#bodies);
    this.#bytes += bytes;
    client.bytes += bytes;
  }

  /** @param bodies how many must have come before there is room */
  #refusal(what: string, bodies: number): PinholeError {
    const seconds = this.#holdTimes.drainSeconds(bodies);
    const retry_after_seconds = seconds + Math.floor(this.#options.random() * (seconds + 1));
    return new PinholeError("OVERLOADED", `${what}; try again.`, { members: { retry_after_seconds } });
  }
}

function tooLarge(bytes: number, maxBytes: number): PinholeError {
  const max_size_mb = maxBytes / MIB;
  return new PinholeError("FILE_TOO_LARGE", `A request body may have ${max_size_mb} MB here.`, {
    members: { file_size_mb: bytes / MIB, max_size_mb, filename: null },
  });
}
