import { type Linked, LinkedList } from "./linked-list.ts";

/** One client's waiters, oldest first. */
export interface Lane<W extends Linked<W>> extends Linked<Lane<W>> {
  readonly clientKey: string;
  readonly waiters: LinkedList<W>;
  /** How many they are. */
  depth: number;
  /** Turns that it may still take in a row. */
  turn: number;
  /** The lane's place among those of its depth. */
  readonly rank: Rank<W>;
}

interface Rank<W extends Linked<W>> extends Linked<Rank<W>> {
  lane: Lane<W> | null;
}

/** Who waits, by client: who is next when clients take turns, and which client has most. Each operation is O(1). */
export class Lanes<W extends Linked<W>> {
  readonly #weight: (clientKey: string) => number;
  readonly #lanes = new Map<string, Lane<W>>();
  /** Clients with waiters; the first is next. */
  readonly #ring = new LinkedList<Lane<W>>();
  /** Clients by how many waiters they have, so that one with most is found at once. */
  readonly #byDepth = new Map<number, LinkedList<Rank<W>>>();
  #deepest = 0;
  #length = 0;

  /** @param weight turns in a row that a client gets, at least 1 */
  constructor(weight: (clientKey: string) => number) {
    this.#weight = weight;
  }

  /** Waiters of all clients. */
  get length(): number {
    return this.#length;
  }

  /** Waiters of a client that has most; 0 when nobody waits. */
  get deepest(): number {
    return this.#deepest;
  }

  /** The client whose turn it is. */
  get next(): Lane<W> | null {
    return this.#ring.first;
  }

  depthOf(clientKey: string): number {
    return this.#lanes.get(clientKey)?.depth ?? 0;
  }

  /** A client that has most: `preferred` where it is among those. Somebody must wait. */
  most(preferred: Lane<W>): Lane<W> {
    return preferred.depth === this.#deepest ? preferred : this.#byDepth.get(this.#deepest)!.first!.lane!;
  }

  /** The client's lane; a new one is known from its first waiter on. */
  of(clientKey: string): Lane<W> {
    const known = this.#lanes.get(clientKey);
    if (known !== undefined) return known;
    const rank: Rank<W> = { lane: null, previous: null, next: null };
    const waiters = new LinkedList<W>();
    const turn = this.#weight(clientKey);
    const lane: Lane<W> = { clientKey, waiters, depth: 0, turn, rank, previous: null, next: null };
    rank.lane = lane;
    return lane;
  }

  append(lane: Lane<W>, waiter: W): void {
    lane.waiters.append(waiter);
    this.#resize(lane, 1);
  }

  remove(lane: Lane<W>, waiter: W): void {
    lane.waiters.remove(waiter);
    this.#resize(lane, -1);
  }

  /** The client has had a turn: when it had all it gets in a row, the others come first. */
  tookTurn(lane: Lane<W>): void {
    lane.turn--;
    if (lane.turn > 0 || lane.depth === 0) return;
    lane.turn = this.#weight(lane.clientKey);
    this.#ring.moveToEnd(lane);
  }

  /** Keeps the counts when a client gains or loses one waiter; one without any is forgotten. */
  #resize(lane: Lane<W>, change: 1 | -1): void {
    const before = lane.depth;
    lane.depth += change;
    this.#length += change;
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

  #leaveDepth(lane: Lane<W>, depth: number): void {
    const lanes = this.#byDepth.get(depth)!;
    lanes.remove(lane.rank);
    if (lanes.first === null) this.#byDepth.delete(depth);
  }

  #joinDepth(lane: Lane<W>, depth: number): void {
    const lanes = this.#byDepth.get(depth) ?? new LinkedList<Rank<W>>();
    this.#byDepth.set(depth, lanes);
    lanes.append(lane.rank);
  }
}
