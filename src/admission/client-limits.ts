import type { Clock } from "../clock.ts";
import type { Config } from "../settings.ts";
import type { RateLimit, RateLimitPolicy } from "./rate-limit.ts";
import { SlidingWindowRateLimit } from "./sliding-window.ts";

/** How often whoever holds the limits lets them forget clients whose window has passed. */
export const SWEEP_INTERVAL_MS = 10_000;

/** Wrong operator tokens of one client in a minute: holds even where clients are not limited. */
export const OPERATOR_FAILURES: RateLimitPolicy = { name: "operator", limit: 10, windowSeconds: 60 };

/** Every limit of the settings, held in this process. */
export function clientLimits(
  config: Config,
  { clock, hashClient }: { clock: Clock; hashClient: (clientKey: string) => string },
) {
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
  const of = (policy: string) => (policy === OPERATOR_FAILURES.name ? operators : clients);
  return {
    take: (policy, clientKey) => of(policy).take(policy, clientKey),
    peek: (policy, clientKey) => of(policy).peek(policy, clientKey),
    statistics: () => [...clients.statistics(), ...operators.statistics()],
    sweep() {
      clients.sweep();
      operators.sweep();
    },
  } satisfies RateLimit & { sweep(): void };
}
