import { ClientGone, type DropReason } from "../admission/drop.ts";
import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";

/** Whoever waits for an answer, and until when. */
export interface CacheWaiter {
  /** Aborts when the client has gone. */
  signal: AbortSignal;
  /** Instant of the clock. */
  deadline: number;
}

interface Seat<V> {
  resolve: (value: V) => void;
  reject: (error: unknown) => void;
  leave: () => void;
}

/**
 * One run and everyone who waits for it. Who leaves, or whose deadline passes, ends only their own wait; the
 * run is wanted as long as anyone waits.
 */
export class Flight<V> {
  readonly #clock: Clock;
  readonly #onAbandoned: (reason: DropReason) => void;
  readonly #seats = new Set<Seat<V>>();

  /** @param onAbandoned called when the last waiter has left before the run ended, with why that one did */
  constructor(clock: Clock, onAbandoned: (reason: DropReason) => void) {
    this.#clock = clock;
    this.#onAbandoned = onAbandoned;
  }

  get wanted(): boolean {
    return this.#seats.size > 0;
  }

  /**
   * @throws {ClientGone} when the waiter's signal aborts first
   * @throws {PinholeError} DEADLINE_EXCEEDED when its deadline passes first
   */
  join(waiter: CacheWaiter): Promise<V> {
    const { promise, resolve, reject } = Promise.withResolvers<V>();
    const gone = () => this.#giveUp(seat, "client_gone");
    const late = () => this.#giveUp(seat, "deadline");
    waiter.signal.addEventListener("abort", gone, { once: true });
    const cancel = this.#clock.after(Math.max(0, waiter.deadline - this.#clock.now()), late);
    const leave = () => {
      waiter.signal.removeEventListener("abort", gone);
      cancel();
    };
    const seat: Seat<V> = { resolve, reject, leave };
    this.#seats.add(seat);
    return promise;
  }

  /** Answers all who still wait. */
  land(value: V): void {
    this.#empty((seat) => seat.resolve(value));
  }

  /** Fails all who still wait. */
  fail(error: unknown): void {
    this.#empty((seat) => seat.reject(error));
  }

  #empty(settle: (seat: Seat<V>) => void): void {
    const seats = [...this.#seats];
    this.#seats.clear();
    for (const seat of seats) {
      seat.leave();
      settle(seat);
    }
  }

  #giveUp(seat: Seat<V>, reason: DropReason): void {
    this.#seats.delete(seat);
    seat.leave();
    seat.reject(dropped(reason));
    if (this.#seats.size === 0) this.#onAbandoned(reason);
  }
}

/** What whoever waited for a dropped run is told. */
export const dropped = (reason: DropReason): Error =>
  reason === "client_gone" ? new ClientGone() : deadlineExceeded();

export function deadlineExceeded(): PinholeError {
  return new PinholeError("DEADLINE_EXCEEDED", "The deadline passed before there was an answer.");
}
