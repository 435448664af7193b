/** What a limit says to one request, and to its headers. */
export interface Allowance {
  /** Name of the limit: "predict", "read". */
  policy: string;
  /** Whether this request may pass. The same as `retryAfterSeconds === 0`. */
  allowed: boolean;
  /** Requests for each window. */
  limit: number;
  windowSeconds: number;
  /** Requests left in the window now. */
  remaining: number;
  /** Whole seconds, rounded up, until the full limit is there again if nothing more is sent. */
  resetSeconds: number;
  /** 0 when allowed; else whole seconds after which one request succeeds. */
  retryAfterSeconds: number;
}

/** `limit` requests of one client in any stretch of `windowSeconds`. */
export interface RateLimitPolicy {
  name: string;
  limit: number;
  windowSeconds: number;
}

/** One limit as operators see it. Clients by their hash, never by their address. */
export interface PolicyStatistics {
  policy: string;
  limit: number;
  windowSeconds: number;
  /** Clients remembered now. */
  clients: number;
  /** Since the start. */
  admitted: number;
  /** Since the start. */
  refused: number;
  /** Remembered clients with the most refusals, worst first. */
  topRefused: { clientHash: string; refused: number }[];
}

/**
 * Who may send how much. The contract every implementation keeps is `rate-limit.contract.ts`; one that asks
 * another machine answers with a promise, so callers always `await`.
 */
export interface RateLimit {
  /**
   * Counts one request of `clientKey` if it is allowed; a refused one leaves no trace in the window. Waiting
   * out `retryAfterSeconds` succeeds, unless the same client was let in on another request meanwhile.
   * Refusal is an answer, not an error; a policy that was never declared is a mistake and throws.
   */
  take(policy: string, clientKey: string): Allowance | Promise<Allowance>;
  /** What stands for `clientKey` now, without counting a request. */
  peek(policy: string, clientKey: string): Allowance | Promise<Allowance>;
  statistics(): PolicyStatistics[] | Promise<PolicyStatistics[]>;
}
