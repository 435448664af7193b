import { clientLimits, OPERATOR_FAILURES, SWEEP_INTERVAL_MS } from "../admission/client-limits.ts";
import type { RateLimit } from "../admission/rate-limit.ts";
import { every } from "../clock.ts";
import { RemoteRateLimit } from "../supervisor/remote-rate-limit.ts";
import type { Shared } from "./shared.ts";

/** The limits of clients: held here by the only process, and by the supervisor for several. */
export function composeLimits(
  { config, clock, several, undo }: Shared,
  hashClient: (clientKey: string) => string,
): RateLimit {
  const own = clientLimits(config, { clock, hashClient });
  if (several === null) {
    undo.push(every(clock, SWEEP_INTERVAL_MS, () => own.sweep()));
    return own;
  }
  const shared = new RemoteRateLimit(several.ask, hashClient);
  // Where clients are not limited there is nothing to ask.
  const of = (policy: string) =>
    config.rateLimitEnabled || policy === OPERATOR_FAILURES.name ? shared : own;
  return {
    take: (policy, clientKey) => of(policy).take(policy, clientKey),
    peek: (policy, clientKey) => of(policy).peek(policy, clientKey),
    statistics: () => shared.statistics(),
  };
}
