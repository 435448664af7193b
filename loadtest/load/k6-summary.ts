/** What `k6 run --summary-export` writes, as far as it is read here. */
export interface K6Summary {
  metrics: Record<string, K6Metric>;
}

export type K6Metric = Partial<
  Record<"count" | "rate" | "value" | "passes" | "fails" | TrendStat, number>
> & {
  /** By expression; `true` where it was crossed. */
  thresholds?: Record<string, boolean>;
};

type TrendStat = "avg" | "min" | "med" | "max" | "p(50)" | "p(90)" | "p(95)" | "p(99)";

/** Times in ms. */
export interface Percentiles {
  count: number;
  meanMs: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** @returns null for a trend that nothing was added to */
export function percentilesOf({ metrics }: K6Summary, metric: string): Percentiles | null {
  const trend = metrics[metric];
  if (!trend?.count) return null;
  return {
    count: trend.count,
    meanMs: trend.avg ?? 0,
    p50Ms: trend["p(50)"] ?? 0,
    p95Ms: trend["p(95)"] ?? 0,
    p99Ms: trend["p(99)"] ?? 0,
    maxMs: trend.max ?? 0,
  };
}

export function countOf({ metrics }: K6Summary, metric: string): number {
  return metrics[metric]?.count ?? 0;
}

/** A rate's value, 0..1; null for one that nothing was added to. */
export function rateOf({ metrics }: K6Summary, metric: string): number | null {
  const found = metrics[metric];
  if (found === undefined) return null;
  return (found.passes ?? 0) + (found.fails ?? 0) === 0 ? null : (found.value ?? 0);
}
