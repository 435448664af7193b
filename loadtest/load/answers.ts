/** Requests by how they ended. */
export interface Answers {
  /** As the contract has it. */
  ok: number;
  /** 429. */
  limited: number;
  /** 503. */
  refused: number;
  /** Anything else: no connection and fallback answers are among it. */
  failed: number;
}

export function requestsOf({ ok, limited, refused, failed }: Answers): number {
  return ok + limited + refused + failed;
}
