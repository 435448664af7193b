import type { Allowance } from "../admission/rate-limit.ts";
import { PinholeError } from "../errors.ts";
import type { RequestContext } from "./request-context.ts";
import type { HttpServices } from "./services.ts";

export type ResponseHeaders = Record<string, string | number | undefined>;

/**
 * What a limit said, for the client: the IETF draft's fields (draft-ietf-httpapi-ratelimit-headers) and the
 * `X-RateLimit-*` that older clients read; `X-RateLimit-Reset` in seconds from now.
 */
export function writeAllowance(headers: ResponseHeaders, allowance: Allowance): void {
  const { policy, limit, windowSeconds, remaining, resetSeconds } = allowance;
  headers["ratelimit-policy"] = `"${policy}";q=${limit};w=${windowSeconds}`;
  headers.ratelimit = `"${policy}";r=${remaining};t=${resetSeconds}`;
  headers["x-ratelimit-limit"] = String(limit);
  headers["x-ratelimit-remaining"] = String(remaining);
  headers["x-ratelimit-reset"] = String(resetSeconds);
}

/**
 * Counts one read of this client, and writes the limit's headers.
 * @throws PinholeError RATE_LIMIT_EXCEEDED
 */
export async function limitRead(
  services: Pick<HttpServices, "config" | "rateLimit">,
  context: RequestContext,
  headers: ResponseHeaders,
): Promise<void> {
  if (!services.config.rateLimitEnabled) return;
  const allowance = await services.rateLimit.take("read", context.clientKey);
  writeAllowance(headers, allowance);
  if (!allowance.allowed) throw limitExceeded(allowance);
}

export function limitExceeded(allowance: Allowance): PinholeError {
  const { limit, windowSeconds, retryAfterSeconds } = allowance;
  return new PinholeError(
    "RATE_LIMIT_EXCEEDED",
    `At most ${limit} requests in ${windowSeconds} s: try again in ${retryAfterSeconds} s.`,
    { members: { limit, retry_after_seconds: retryAfterSeconds } },
  );
}
