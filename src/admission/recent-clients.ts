import type { Clock } from "../clock.ts";
import { type Linked, LinkedList } from "./linked-list.ts";

interface Client extends Linked<Client> {
  readonly key: string;
  /** Slots that it holds. */
  held: number;
  /** Those, and its waiters. */
  wants: number;
  /** When that last changed. */
  at: number;
}

/** Who waits, is being served or was here a moment ago, and how much of it each wants. Each operation is O(1), amortised. */
export class RecentClients {
  readonly #clock: Clock;
  readonly #forgetMs: number;
  readonly #share: number;
  readonly #clients = new Map<string, Client>();
  /** The longest unseen first. */
  readonly #bySeen = new LinkedList<Client>();
  /** Clients that want more than their share. */
  #heavy = 0;

  /**
   * @param options.forgetMs how long after it last wanted something a client is forgotten
   * @param options.share slots; who wants more is heavy, who wants no more is light
   */
  constructor(options: { clock: Clock; forgetMs: number; share: number }) {
    this.#clock = options.clock;
    this.#forgetMs = options.forgetMs;
    this.#share = options.share;
  }

  /** Whether this client may be given another slot: it holds less than its share, or nobody light is about. */
  mayTake(key: string): boolean {
    this.#forget();
    return (this.#clients.get(key)?.held ?? 0) < this.#share || this.#heavy === this.#clients.size;
  }

  /** A client wants more or less than before, or holds more or less. */
  change(key: string, { wants = 0, held = 0 }: { wants?: number; held?: number }): void {
    const client = this.#clients.get(key) ?? this.#add(key);
    const wasHeavy = client.wants > this.#share;
    client.wants += wants;
    client.held += held;
    this.#heavy += Number(client.wants > this.#share) - Number(wasHeavy);
    this.#touch(client);
  }

  #add(key: string): Client {
    const client: Client = { key, held: 0, wants: 0, at: 0, previous: null, next: null };
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
