import type { RateLimitPolicy } from "../admission/rate-limit.ts";
import { SlidingWindowRateLimit } from "../admission/sliding-window.ts";
import { every } from "../clock.ts";
import type { Shared } from "./shared.ts";

const SWEEP_INTERVAL_MS = 10_000;
/** Wrong operator tokens of one client in a minute. */
const OPERATOR_FAILURES: RateLimitPolicy = { name: "operator", limit: 10, windowSeconds: 60 };

/** The limits of clients, and that of guesses at the operator's token, which holds even where clients are not limited. */
export function composeLimits({ config, clock, undo }: Shared, hashClient: (clientKey: string) => string) {
  const windowSeconds = config.rateLimitWindowSeconds;
  const about = { clientsMax: config.rateLimitClientsMax, clock, hashClient };
  const clients = new SlidingWindowRateLimit({
    ...about,
    enabled: config.rateLimitEnabled,
    policies: [
      { name: "predict", limit: config.rateLimitRequests, windowSeconds },
      { name: "read", limit: config.rateLimitReadRequests, windowSeconds },
    ],
  });
  const operators = new SlidingWindowRateLimit({ ...about, enabled: true, policies: [OPERATOR_FAILURES] });
  undo.push(
    every(clock, SWEEP_INTERVAL_MS, () => {
      clients.sweep();
      operators.sweep();
    }),
  );
  const of = (policy: string) => (policy === OPERATOR_FAILURES.name ? operators : clients);
  return {
    take: (policy: string, clientKey: string) => of(policy).take(policy, clientKey),
    peek: (policy: string, clientKey: string) => of(policy).peek(policy, clientKey),
    statistics: () => [...clients.statistics(), ...operators.statistics()],
  };
}
