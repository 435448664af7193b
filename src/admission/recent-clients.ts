import type { Clock } from "../clock.ts";
import { type Linked, LinkedList } from "./linked-list.ts";

interface Client extends Linked<Client> {
  readonly key: string;
  /** Slots that it holds. */
  held: number;
  /** Those, and its waiters. */
  wants: number;
  /** What was spent on it lately: a sum whose parts fade, ms as of `at`. */
  spentMs: number;
  /** Whether it wanted too much when it last changed. */
  heavy: boolean;
  /** When that was. */
  at: number;
}

/** What was spent fades to a third in this time. */
const FADE_MS = 1000;
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
  /** On all of them, as of `#spentAt`. */
  #spentMs = 0;
  #spentAt = 0;

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
    this.#touch(client);
    client.spentMs += spentMs;
    this.#spentMs = this.#spentMs * faded(now - this.#spentAt) + spentMs;
    this.#spentAt = now;
    client.wants += wants;
    client.held += held;
    const wasHeavy = client.heavy;
    client.heavy =
      client.wants > this.#share && client.spentMs >= (LITTLE * this.#spentMs) / this.#clients.size;
    this.#heavy += Number(client.heavy) - Number(wasHeavy);
  }

  #add(key: string): Client {
    const at = this.#clock.now();
    const client: Client = {
      key,
      held: 0,
      wants: 0,
      spentMs: 0,
      heavy: false,
      at,
      previous: null,
      next: null,
    };
    this.#clients.set(key, client);
    this.#bySeen.append(client);
    return client;
  }

  #forget(): void {
    const oldest = this.#clock.now() - this.#forgetMs;
    for (
      let client = this.#bySeen.first;
      client !== null && client.at < oldest;
      client = this.#bySeen.first
    ) {
      if (client.wants > 0) this.#touch(client);
      else {
        // What was spent on it stays in the sum, and fades there.
        this.#bySeen.remove(client);
        this.#clients.delete(client.key);
      }
    }
  }

  #touch(client: Client): void {
    const now = this.#clock.now();
    client.spentMs *= faded(now - client.at);
    client.at = now;
    this.#bySeen.moveToEnd(client);
  }
}

/** What is left after so long, 0..1. */
const faded = (ms: number) => Math.exp(-ms / FADE_MS);
