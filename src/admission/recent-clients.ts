import type { Clock } from "../clock.ts";
import { FadingSum } from "./fading-sum.ts";
import { type Linked, LinkedList } from "./linked-list.ts";

interface Client extends Linked<Client> {
  readonly key: string;
  /** Slots that it holds. */
  held: number;
  /** Those, and its waiters. */
  wants: number;
  /** What was spent on it lately, ms. */
  readonly spent: FadingSum;
  /** Whether it wanted too much when it last changed. */
  heavy: boolean;
  /** When that was. */
  at: number;
}

/** Whoever was given less than this share of the mean asks for little, however many of its images wait. */
const LITTLE = 0.75;

/**
 * Who waits, is being served or was here a moment ago, how much of it each wants and was given. Each operation is O(1),
 * amortised.
 *
 * How many of a client's images wait says how badly it is served as much as how much it asks for: judged by that alone,
 * one who asks steadily for little and is kept waiting once would count among those who ask for much, be served like
 * them, and so go on waiting.
 */
export class RecentClients {
  readonly #clock: Clock;
  readonly #forgetMs: number;
  readonly #share: number;
  readonly #clients = new Map<string, Client>();
  /** The longest unseen first. */
  readonly #bySeen = new LinkedList<Client>();
  #heavy = 0;
  /** On all of them. */
  readonly #spent = new FadingSum();

  /**
   * @param options.forgetMs how long after it last wanted something a client is forgotten
   * @param options.share slots; who wants more and was given no less than the others is heavy, all others are light
   */
  constructor(options: { clock: Clock; forgetMs: number; share: number }) {
    this.#clock = options.clock;
    this.#forgetMs = options.forgetMs;
    this.#share = options.share;
  }

  /** Whether this client may be given another slot: it holds less than its share, or nobody else about is light. */
  mayTake(key: string): boolean {
    this.#forget();
    const client = this.#clients.get(key);
    if (client === undefined || client.held < this.#share) return true;
    return this.#clients.size - this.#heavy === (client.heavy ? 0 : 1);
  }

  /** A client wants more or less than before, holds more or less, or `spentMs` of work were done for it. */
  change(
    key: string,
    { wants = 0, held = 0, spentMs = 0 }: { wants?: number; held?: number; spentMs?: number },
  ): void {
    const client = this.#clients.get(key) ?? this.#add(key);
    const now = this.#clock.now();
    client.wants += wants;
    client.held += held;
    client.spent.add(spentMs, now);
    this.#spent.add(spentMs, now);
    const wasHeavy = client.heavy;
    const meanMs = this.#spent.at(now) / this.#clients.size;
    client.heavy = client.wants > this.#share && client.spent.at(now) >= LITTLE * meanMs;
    this.#heavy += Number(client.heavy) - Number(wasHeavy);
    this.#touch(client);
  }

  #add(key: string): Client {
    const spent = new FadingSum();
    const client: Client = { key, held: 0, wants: 0, spent, heavy: false, at: 0, previous: null, next: null };
    this.#clients.set(key, client);
    this.#bySeen.append(client);
    return client;
  }

  #forget(): void {
    const now = this.#clock.now();
    const oldest = now - this.#forgetMs;
    for (
      let client = this.#bySeen.first;
      client !== null && client.at < oldest;
      client = this.#bySeen.first
    ) {
      if (client.wants > 0) this.#touch(client);
      else {
        this.#spent.add(-client.spent.at(now), now);
        this.#bySeen.remove(client);
        this.#clients.delete(client.key);
      }
    }
  }

  #touch(client: Client): void {
    client.at = this.#clock.now();
    this.#bySeen.moveToEnd(client);
  }
}
