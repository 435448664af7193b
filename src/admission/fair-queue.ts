import { PinholeError } from "../errors.ts";
import { ClientGone, type DropReason } from "./drop.ts";
import { type Linked, LinkedList } from "./linked-list.ts";

export interface FairQueueOptions {
  /** Slots that may be held at once, at least 1. */
  inFlightMax: number;
  /** Waiters held at once, at least 1. */
  capacity: number;
  /** Slots in a row that a client gets when its turn comes, at least 1. Default: 1 for everyone. */
  weight?: (clientKey: string) => number;
  /** What the refused are told to wait, whole seconds from 1 on: `Admission.retryAfterSeconds`. */
  retryAfterSeconds: () => number;
}

/** The right to work on one image now. Giving it back twice is harmless. */
export interface Slot extends Disposable {
  release(): void;
}

interface Waiter extends Linked<Waiter> {
  wanted: () => DropReason | null;
  resolve: (slot: Slot) => void;
  reject: (error: Error) => void;
  /** Ends listening for abandonment. */
  leave: () => void;
}

/** One client's waiters, oldest first. */
interface Lane extends Linked<Lane> {
  clientKey: string;
  waiters: LinkedList<Waiter>;
  depth: number;
  /** Slots that it may still take in a row. */
  turn: number;
  /** The lane's place among those of its depth. */
  rank: Rank;
}

interface Rank extends Linked<Rank> {
  lane: Lane | null;
}

/**
 * Bounds how many images are worked on at once and decides who comes next: clients in turn, first in first out
 * within a client, so that one client's hundred photographs do not keep another's one waiting. Each operation
 * is O(1), amortised.
 */
export class FairQueue {
  /** Waiters dropped instead of run, since the start. */
  readonly dropped: Record<DropReason | "overloaded", number> = {
    client_gone: 0,
    deadline: 0,
    overloaded: 0,
  };
  readonly #options: FairQueueOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Clients with waiters; the first is next. */
  readonly #ring = new LinkedList<Lane>();
  /** Clients by how many waiters they have, so that one with most is found at once. */
  readonly #byDepth = new Map<number, LinkedList<Rank>>();
  #deepest = 0;
  #waiting = 0;
  #inFlight = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** Waiters now. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Slots held now. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Waits for a slot.
   * @param wanted asked when the turn comes; a reason drops the waiter without a slot. Must not throw.
   * @param abandoned aborts when nobody wants it any more: the waiter is dropped at once, so that what it holds
   *   in memory is free then, not when the turn would have come
   * @throws {ClientGone} when `wanted` says so, or it was abandoned
   * @throws {PinholeError} DEADLINE_EXCEEDED when `wanted` says so; OVERLOADED when the queue is full and this
   *   is the newest waiter of the client that has most
   */
  enter(clientKey: string, wanted: () => DropReason | null, abandoned?: AbortSignal): Promise<Slot> {
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const lane = this.#laneOf(clientKey);
    const abandon = () => {
      this.#take(lane, waiter);
      this.#drop(waiter, wanted() ?? "client_gone");
    };
    const leave = () => abandoned?.removeEventListener("abort", abandon);
    const waiter: Waiter = { wanted, resolve, reject, leave, previous: null, next: null };
    lane.waiters.append(waiter);
    this.#resize(lane, 1);
    if (abandoned?.aborted) abandon();
    else abandoned?.addEventListener("abort", abandon, { once: true });
    this.#serve();
    if (this.#waiting > this.#options.capacity) this.#giveWay(lane);
    return promise;
  }

  #serve(): void {
    while (this.#inFlight < this.#options.inFlightMax && this.#ring.first !== null) {
      const lane = this.#ring.first;
      const waiter = this.#take(lane, lane.waiters.first!);
      const reason = waiter.wanted();
      if (reason !== null) {
        this.#drop(waiter, reason);
        continue;
      }
      this.#inFlight++;
      waiter.resolve(this.#slot());
      lane.turn--;
      if (lane.turn <= 0 && lane.depth > 0) {
        lane.turn = this.#weight(lane.clientKey);
        this.#ring.moveToEnd(lane);
      }
    }
  }

  #slot(): Slot {
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.#inFlight--;
      this.#serve();
    };
    return { release, [Symbol.dispose]: release };
  }

  /** The newest waiter of the client that has most gives way; the newcomer's own client where it is among those. */
  #giveWay(newcomer: Lane): void {
    const most = newcomer.depth === this.#deepest ? newcomer : this.#byDepth.get(this.#deepest)!.first!.lane!;
    const waiter = this.#take(most, most.waiters.last!);
    this.#drop(waiter, waiter.wanted() ?? "overloaded");
  }

  #drop(waiter: Waiter, reason: keyof FairQueue["dropped"]): void {
    this.dropped[reason]++;
    waiter.reject(this.#errorFor(reason));
  }

  #laneOf(clientKey: string): Lane {
    const known = this.#lanes.get(clientKey);
    if (known !== undefined) return known;
    const rank: Rank = { lane: null, previous: null, next: null };
    const lane: Lane = {
      clientKey,
      waiters: new LinkedList(),
      depth: 0,
      turn: this.#weight(clientKey),
      rank,
      previous: null,
      next: null,
    };
    rank.lane = lane;
    return lane;
  }

  #take(lane: Lane, waiter: Waiter): Waiter {
    lane.waiters.remove(waiter);
    waiter.leave();
    this.#resize(lane, -1);
    return waiter;
  }

  /** Keeps the counts when a client gains or loses one waiter; one without any is forgotten. */
  #resize(lane: Lane, change: 1 | -1): void {
    const before = lane.depth;
    lane.depth += change;
    this.#waiting += change;
    if (before === 0) {
      this.#lanes.set(lane.clientKey, lane);
      this.#ring.append(lane);
    } else this.#leaveDepth(lane, before);
    if (lane.depth === 0) {
      this.#lanes.delete(lane.clientKey);
      this.#ring.remove(lane);
    } else this.#joinDepth(lane, lane.depth);
    // One waiter more or less moves the greatest depth by one at most.
    if (lane.depth > this.#deepest) this.#deepest = lane.depth;
    else if (before === this.#deepest && !this.#byDepth.has(before)) this.#deepest = lane.depth;
  }

  #leaveDepth(lane: Lane, depth: number): void {
    const lanes = this.#byDepth.get(depth)!;
    lanes.remove(lane.rank);
    if (lanes.first === null) this.#byDepth.delete(depth);
  }

  #joinDepth(lane: Lane, depth: number): void {
    const lanes = this.#byDepth.get(depth) ?? new LinkedList<Rank>();
    this.#byDepth.set(depth, lanes);
    lanes.append(lane.rank);
  }

  #errorFor(reason: DropReason | "overloaded"): Error {
    switch (reason) {
      case "client_gone":
        return new ClientGone();
      case "deadline":
        return new PinholeError("DEADLINE_EXCEEDED", "The deadline passed before it was this image's turn.");
      case "overloaded":
        return new PinholeError("OVERLOADED", "Too many images wait to be decoded; send fewer at once.", {
          members: { retry_after_seconds: this.#options.retryAfterSeconds() },
        });
    }
  }

  #weight(clientKey: string): number {
    return this.#options.weight?.(clientKey) ?? 1;
  }
}
