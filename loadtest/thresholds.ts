import { meanOffered, type Scenario } from "./catalogue.ts";

/** What is asked of the server, for every scenario in this one place. */
export const LIMITS = {
  /** Of the answers to predictions, at 70% of the capacity at most. */
  p95Ms: 200,
  p99Ms: 500,
  /** Of probes of `/health/live`, whatever else is asked. */
  probeP99Ms: 10,
  /** Share of requests that were not answered as the contract has it. */
  errorRate: 0.01,
  /** Answers with `fallback: true`. */
  fallbackAnswers: 0,
  /** Clients at once, and requests a minute, that a run must have had to say anything. */
  users: 100,
  requestsPerMinute: 1000,
  /** Requests that could not be offered, because every client was busy. */
  droppedRate: 0.05,
  /** Predictions that the cache answered, in the scenario of that name. */
  cacheHitRate: 0.7,
  /** Answered once a spike is over. */
  answeredAfterSpike: 0.95,
  /** Resident memory: the second half of a soak over its first. */
  memoryGrowth: 0.05,
  /** A breakpoint's rate is kept as long as no more than this is refused or failed. */
  unansweredAtBreakpoint: 0.01,
} as const;

export interface ThresholdOptions {
  /** Requests a second that the server was found to answer, all load generators together. */
  capacity: number;
  /** Share of the load that this process of k6 has, 0..1: less than 1 with several machines. */
  share: number;
  /** Whether absolute times are enforced; otherwise they are only printed. */
  strict: boolean;
}

/** k6's thresholds by metric. Ratios and loose bounds always, absolute times where the machine's speed is known. */
export function thresholdsOf(
  name: string,
  scenario: Scenario,
  { capacity, share, strict }: ThresholdOptions,
): Record<string, string[]> {
  const thresholds: Record<string, string[]> = {
    errors: [name === "smoke" ? "rate==0" : `rate<${LIMITS.errorRate}`],
    fallback_answers: [`count<=${LIMITS.fallbackAnswers}`],
  };
  if (name === "smoke") thresholds.checks = ["rate==1"];
  if (scenario.profile !== null) {
    thresholds.http_reqs = [`rate>=${rounded((LIMITS.requestsPerMinute / 60) * share)}`];
    thresholds.vus_max = [`value>=${Math.floor(LIMITS.users * share)}`];
    const perSecond = capacity * share * meanOffered(scenario.profile);
    if (!scenario.refusalsExpected)
      thresholds.dropped_iterations = [`rate<${rounded(perSecond * LIMITS.droppedRate)}`];
  }
  if (name === "cache") thresholds.cache_hits = [`rate>${LIMITS.cacheHitRate}`];
  if (name === "spike") thresholds["answered{part:after}"] = [`rate>${LIMITS.answeredAfterSpike}`];
  for (const [from, behaviour] of scenario.parts)
    if (from === null) thresholds[`answered{part:${behaviour}}`] = [`rate>${1 - LIMITS.errorRate}`];
  if (strict && scenario.latencyMatters)
    thresholds.answer_ms = [`p(95)<${LIMITS.p95Ms}`, `p(99)<${LIMITS.p99Ms}`];
  return thresholds;
}

function rounded(rate: number): number {
  return Math.round(rate * 1000) / 1000;
}
