import type { Clock } from "../clock.ts";
import { type Linked, LinkedList } from "./linked-list.ts";
import type { Allowance, PolicyStatistics, RateLimit, RateLimitPolicy } from "./rate-limit.ts";
import { TimestampRing } from "./timestamp-ring.ts";

const TOP_REFUSED = 10;

export interface SlidingWindowOptions {
  /** False: everything is allowed and nothing is counted. */
  enabled: boolean;
  policies: readonly RateLimitPolicy[];
  /** Clients remembered for each policy; past it the longest unseen is forgotten, and starts afresh. */
  clientsMax: number;
  clock: Clock;
  /** Names a client to operators without naming its address. */
  hashClient: (clientKey: string) => string;
}

/** Instants are whole ms. */
interface Client extends Linked<Client> {
  key: string;
  admitted: TimestampRing;
  seenAt: number;
  refused: number;
}

interface Window {
  policy: RateLimitPolicy;
  windowMs: number;
  clients: Map<string, Client>;
  /** The same clients, longest unseen first. */
  bySeen: LinkedList<Client>;
  admitted: number;
  refused: number;
}

/**
 * The exact sliding window, in this process: a log of the instants admitted within the last window, for each
 * client. Two counters and an interpolation would be smaller, but let nearly twice the limit into one true
 * window. An instant counts as the whole ms after it and is judged at the whole ms before: so no window is
 * ever overfull by a fraction, and sums of whole numbers are exact, which keeps Retry-After true.
 */
export class SlidingWindowRateLimit implements RateLimit {
  readonly #options: SlidingWindowOptions;
  readonly #windows: Map<string, Window>;

  constructor(options: SlidingWindowOptions) {
    this.#options = options;
    this.#windows = new Map(options.policies.map((policy) => [policy.name, openWindow(policy)]));
  }

  peek(policy: string, clientKey: string): Allowance {
    const window = this.#window(policy);
    const { limit } = window.policy;
    const client = window.clients.get(clientKey);
    if (!this.#options.enabled || client === undefined) return allowance(window, limit, 0, 0);

    const now = Math.floor(this.#options.clock.now());
    client.admitted.dropUpTo(now - window.windowMs);
    const room = limit - client.admitted.length;
    const reset = room === limit ? 0 : untilReset(window, client, now);
    return allowance(window, room, reset, room > 0 ? 0 : wait(window, client.admitted.oldest, now));
  }

  take(policy: string, clientKey: string): Allowance {
    const window = this.#window(policy);
    if (!this.#options.enabled) return allowance(window, window.policy.limit, 0, 0);

    const instant = this.#options.clock.now();
    const now = Math.floor(instant);
    const client = this.#see(window, clientKey, now);
    client.admitted.dropUpTo(now - window.windowMs);
    const room = window.policy.limit - client.admitted.length;
    if (room > 0) {
      client.admitted.push(Math.ceil(instant));
      window.admitted++;
    } else {
      client.refused++;
      window.refused++;
    }
    const retryAfterSeconds = room > 0 ? 0 : wait(window, client.admitted.oldest, now);
    return allowance(window, Math.max(0, room - 1), untilReset(window, client, now), retryAfterSeconds);
  }

  /**
   * Forgets clients whose window has passed, at most `max` for each policy so that a call stays short.
   * @returns how many were forgotten
   */
  sweep(max = 20_000): number {
    const now = Math.floor(this.#options.clock.now());
    let forgotten = 0;
    for (const window of this.#windows.values()) {
      for (let left = max; left > 0; left--) {
        const client = window.bySeen.first;
        // Whoever was seen later cannot have been admitted earlier than this one's window allows: stop here.
        if (client === null || client.seenAt + window.windowMs > now) break;
        forget(window, client);
        forgotten++;
      }
    }
    return forgotten;
  }

  /** Walks over all remembered clients: for operators, not for each request. */
  statistics(): PolicyStatistics[] {
    return [...this.#windows.values()].map((window) => ({
      policy: window.policy.name,
      limit: window.policy.limit,
      windowSeconds: window.policy.windowSeconds,
      clients: window.clients.size,
      admitted: window.admitted,
      refused: window.refused,
      topRefused: topRefused(window).map(({ key, refused }) => ({
        clientHash: this.#options.hashClient(key),
        refused,
      })),
    }));
  }

  #window(policy: string): Window {
    const window = this.#windows.get(policy);
    if (window === undefined) throw new Error(`No rate limit is called ${JSON.stringify(policy)}.`);
    return window;
  }

  #see(window: Window, key: string, now: number): Client {
    const known = window.clients.get(key);
    if (known !== undefined) {
      known.seenAt = now;
      window.bySeen.moveToEnd(known);
      return known;
    }
    if (window.clients.size >= this.#options.clientsMax) forget(window, window.bySeen.first!);
    const admitted = new TimestampRing(window.policy.limit);
    const client: Client = { key, admitted, seenAt: now, refused: 0, previous: null, next: null };
    window.clients.set(key, client);
    window.bySeen.append(client);
    return client;
  }
}

function openWindow(policy: RateLimitPolicy): Window {
  return {
    policy,
    windowMs: policy.windowSeconds * 1000,
    clients: new Map(),
    bySeen: new LinkedList(),
    admitted: 0,
    refused: 0,
  };
}

/** Whole seconds until an instant has left the window. */
function wait({ windowMs }: Window, instant: number, now: number): number {
  return Math.ceil((instant + windowMs - now) / 1000);
}

/** Shown, not promised: so the fraction of a ms by which instants are rounded up is left out. */
function untilReset(window: Window, { admitted }: Client, now: number): number {
  return Math.min(window.policy.windowSeconds, wait(window, admitted.newest, now));
}

function forget(window: Window, client: Client): void {
  window.bySeen.remove(client);
  window.clients.delete(client.key);
}

function allowance(
  { policy }: Window,
  remaining: number,
  resetSeconds: number,
  retryAfterSeconds: number,
): Allowance {
  const { name, limit, windowSeconds } = policy;
  const allowed = retryAfterSeconds === 0;
  return { policy: name, allowed, limit, windowSeconds, remaining, resetSeconds, retryAfterSeconds };
}

function topRefused(window: Window): Client[] {
  const top: Client[] = [];
  for (const client of window.clients.values()) {
    if (client.refused === 0) continue;
    if (top.length === TOP_REFUSED && client.refused <= top[TOP_REFUSED - 1]!.refused) continue;
    top.push(client);
    top.sort((a, b) => b.refused - a.refused);
    if (top.length > TOP_REFUSED) top.pop();
  }
  return top;
}
