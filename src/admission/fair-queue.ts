import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Work } from "./adaptive-limit.ts";
import { ClientGone, type DropReason } from "./drop.ts";
import { type Lane, Lanes } from "./lanes.ts";
import type { Linked } from "./linked-list.ts";
import { RecentClients } from "./recent-clients.ts";

/** A client is about for so long after its last answer. */
const ABOUT_MS = 1000;

export interface FairQueueOptions {
  /** Slots that may be held at once, at least 1; asked each time, so it may change. */
  inFlightMax: () => number;
  /**
   * Slots that one client may hold while another is about that asks for little, at least 1: so that one who asks now
   * and then finds a worker free, not one that has just begun for somebody who always asks. Default: all.
   */
  share?: number;
  /** Waiters past which a newcomer makes somebody give way, at least 1; may change. */
  capacity: () => number;
  /** Longest wait of a request none of whose images has had its turn, ms; infinite: until it is abandoned. */
  waitMs: () => number;
  /** Slots in a row that a client gets when its turn comes, at least 1. Default: 1 for everyone. */
  weight?: (clientKey: string) => number;
  /** What the refused are told to wait, whole seconds from 1 on: `Admission.retryAfterSeconds`. */
  retryAfterSeconds: () => number;
  clock: Clock;
  /** Told what each image cost that was answered. */
  onWork?: (work: Work) => void;
}

/** The right to work on one image now. Giving it back twice is harmless. */
export interface Slot extends Disposable {
  /** Says, right before giving it back, what the image cost that was answered. */
  worked(cost: Pick<Work, "busyMs" | "rows">): void;
  release(): void;
}

/** One request with its images: they are turned away together, and not once one of them has had its turn. */
export class Visit {
  readonly clientKey: string;
  readonly waiters = new Set<Waiter>();
  begun = false;
  /** Ends the watch over how long it waits. */
  unwatch: (() => void) | null = null;

  constructor(clientKey: string) {
    this.clientKey = clientKey;
  }
}

interface Waiter extends Linked<Waiter> {
  readonly visit: Visit;
  readonly lane: Lane<Waiter>;
  wanted: () => DropReason | null;
  resolve: (slot: Slot) => void;
  reject: (error: Error) => void;
  /** Ends listening for abandonment. */
  leave: () => void;
}

/**
 * Bounds how many images are worked on at once and decides who comes next: clients in turn, first in first out
 * within a client, so that one client's hundred photographs do not keep another's one waiting. Each operation
 * is O(1), amortised, but that those who hold their share are passed over one by one: fewer than are in flight.
 */
export class FairQueue {
  /** Waiters dropped instead of run, since the start. */
  readonly dropped: Record<DropReason | "overloaded", number> = {
    client_gone: 0,
    deadline: 0,
    overloaded: 0,
  };
  readonly #options: FairQueueOptions;
  readonly #lanes: Lanes<Waiter>;
  readonly #clients: RecentClients;
  #inFlight = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
    this.#lanes = new Lanes(options.weight ?? (() => 1));
    const { clock, share = Number.POSITIVE_INFINITY } = options;
    this.#clients = new RecentClients({ clock, share, forgetMs: ABOUT_MS });
  }

  /** Waiters now. */
  get waiting(): number {
    return this.#lanes.length;
  }

  /** Slots held now. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether a request of this client that comes now would be turned away, rather than make another give way. */
  isFullFor(clientKey: string): boolean {
    const { length, deepest } = this.#lanes;
    return length >= this.#options.capacity() && this.#lanes.depthOf(clientKey) + 1 >= deepest;
  }

  /**
   * Waits for a slot.
   * @param visit the request that the image belongs to
   * @param wanted asked when the turn comes; a reason drops the waiter without a slot. Must not throw.
   * @param abandoned aborts when nobody wants it any more: the waiter is dropped at once, so that what it holds
   *   in memory is free then, not when the turn would have come
   * @throws {ClientGone} when `wanted` says so, or it was abandoned
   * @throws {PinholeError} DEADLINE_EXCEEDED when `wanted` says so; OVERLOADED when the request, none of whose
   *   images has had its turn, waits too long, or the queue is full and this is the newest of the client that has
   *   most
   */
  enter(visit: Visit, wanted: () => DropReason | null, abandoned?: AbortSignal): Promise<Slot> {
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const lane = this.#lanes.of(visit.clientKey);
    const abandon = () => this.#drop(waiter, "client_gone");
    const leave = () => abandoned?.removeEventListener("abort", abandon);
    const waiter: Waiter = { visit, lane, wanted, resolve, reject, leave, previous: null, next: null };
    const isNewcomer = !visit.begun && visit.waiters.size === 0;
    visit.waiters.add(waiter);
    this.#lanes.append(lane, waiter);
    this.#clients.change(visit.clientKey, { wants: 1 });
    if (abandoned?.aborted) abandon();
    else abandoned?.addEventListener("abort", abandon, { once: true });
    this.#serve();
    if (isNewcomer && visit.waiters.has(waiter)) {
      this.#watch(visit);
      if (this.waiting > this.#options.capacity()) this.#giveWay(lane);
    }
    return promise;
  }

  #serve(): void {
    for (let lane = this.#next(); lane !== null; lane = this.#next()) {
      if (this.#inFlight >= this.#options.inFlightMax()) return;
      const waiter = lane.waiters.first!;
      const reason = waiter.wanted();
      if (reason !== null) {
        this.#drop(waiter, reason);
        continue;
      }
      waiter.visit.begun = true;
      this.#take(waiter);
      this.#inFlight++;
      waiter.resolve(this.#slot(lane.clientKey));
      this.#lanes.tookTurn(lane);
    }
  }

  /** The client whose turn it is, of those that may have another slot. */
  #next(): Lane<Waiter> | null {
    let lane = this.#lanes.next;
    while (lane !== null && !this.#clients.mayTake(lane.clientKey)) lane = lane.next;
    return lane;
  }

  #slot(clientKey: string): Slot {
    const { clock, onWork } = this.#options;
    const from = clock.now();
    let held = true;
    // What fails is taken to have cost all of its time.
    let costMs: number | null = null;
    this.#clients.change(clientKey, { wants: 1, held: 1 });
    const release = () => {
      if (!held) return;
      held = false;
      this.#inFlight--;
      const spentMs = costMs ?? clock.now() - from;
      this.#clients.change(clientKey, { wants: -1, held: -1, spentMs });
      this.#serve();
    };
    const worked: Slot["worked"] = (cost) => {
      costMs = cost.busyMs / cost.rows;
      onWork?.({ ...cost, heldMs: clock.now() - from, inFlight: this.#inFlight });
    };
    return { worked, release, [Symbol.dispose]: release };
  }

  #watch(visit: Visit): void {
    const { clock, waitMs } = this.#options;
    const longestMs = waitMs();
    if (longestMs < Number.POSITIVE_INFINITY)
      visit.unwatch = clock.after(longestMs, () => this.#turnAway(visit));
  }

  /**
   * The newest request of the client that has most gives way, of those that have not begun; the newcomer's own
   * client where it is among those. Where all of it has begun, the newcomer goes.
   */
  #giveWay(newcomer: Lane<Waiter>): void {
    let waiter = this.#lanes.most(newcomer).waiters.last;
    while (waiter?.visit.begun) waiter = waiter.previous;
    this.#turnAway((waiter ?? newcomer.waiters.last!).visit);
  }

  #turnAway(visit: Visit): void {
    for (const waiter of [...visit.waiters]) this.#drop(waiter, "overloaded");
  }

  /** Whoever is not wanted anyway is told that rather than `reason`. */
  #drop(waiter: Waiter, reason: keyof FairQueue["dropped"]): void {
    this.#take(waiter);
    const truth = waiter.wanted() ?? reason;
    this.dropped[truth]++;
    waiter.reject(this.#errorFor(truth));
  }

  #take(waiter: Waiter): void {
    const { visit, lane } = waiter;
    this.#lanes.remove(lane, waiter);
    this.#clients.change(lane.clientKey, { wants: -1 });
    visit.waiters.delete(waiter);
    waiter.leave();
    if (!visit.begun && visit.waiters.size > 0) return;
    visit.unwatch?.();
    visit.unwatch = null;
  }

  #errorFor(reason: DropReason | "overloaded"): Error {
    switch (reason) {
      case "client_gone":
        return new ClientGone();
      case "deadline":
        return new PinholeError("DEADLINE_EXCEEDED", "The deadline passed before it was this image's turn.");
      case "overloaded":
        return new PinholeError("OVERLOADED", "More images wait than can be answered soon; try again.", {
          members: { retry_after_seconds: this.#options.retryAfterSeconds() },
        });
    }
  }
}
