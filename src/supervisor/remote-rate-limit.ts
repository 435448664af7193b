import type { Allowance, PolicyStatistics, RateLimit } from "../admission/rate-limit.ts";
import type { Ask } from "./supervisor-link.ts";

/**
 * The limits of all server processes together, which the supervisor holds. Where it does not answer nobody is let in,
 * with OVERLOADED: a limit that cannot be asked must not become none.
 */
export class RemoteRateLimit implements RateLimit {
  readonly #ask: Ask;
  readonly #hashClient: (clientKey: string) => string;

  constructor(ask: Ask, hashClient: (clientKey: string) => string) {
    this.#ask = ask;
    this.#hashClient = hashClient;
  }

  take(policy: string, clientKey: string): Promise<Allowance> {
    return this.#ask("take", { policy, clientKey });
  }

  peek(policy: string, clientKey: string): Promise<Allowance> {
    return this.#ask("peek", { policy, clientKey });
  }

  async statistics(): Promise<PolicyStatistics[]> {
    const limits = await this.#ask("limits", null);
    return limits.map((limit) => ({
      ...limit,
      topRefused: limit.topRefused.map(({ clientHash: key, refused }) => ({
        clientHash: this.#hashClient(key),
        refused,
      })),
    }));
  }
}
