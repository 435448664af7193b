/** STUB of the types; the owner of this file adds the exact sliding window. */
export interface Allowance {
  /** Name of the limit: "predict", "read". */
  policy: string;
  /** Requests for each window. */
  limit: number;
  windowSeconds: number;
  /** Requests left in the window now. */
  remaining: number;
  /** Whole seconds, rounded up, until the full limit is there again... */
  resetSeconds: number;
  /** 0 when allowed; else whole seconds after which one request succeeds. */
  retryAfterSeconds: number;
}
