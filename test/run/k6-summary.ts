import type { Outcome } from "./outcome.ts";

interface K6Summary {
  root_group: K6Group;
  metrics: Record<string, { thresholds?: Record<string, boolean> }>;
}

interface K6Group {
  groups: Record<string, K6Group>;
  checks: Record<string, { path: string; passes: number; fails: number }>;
}

/**
 * Counts what `k6 run --summary-export` wrote: each named check and each threshold is one test. A check that
 * was never reached has failed: it proved nothing. (k6 writes `true` for a threshold that was crossed.)
 */
export function parseK6Summary(json: string): Outcome {
  const summary = JSON.parse(json) as K6Summary;
  const outcome: Outcome = { passed: 0, failed: 0, failures: [], skipped: [] };
  const count = (name: string, good: boolean) => {
    if (good) outcome.passed++;
    else {
      outcome.failed++;
      outcome.failures.push(name);
    }
  };
  for (const check of checksOf(summary.root_group)) {
    count(
      `check ${check.path}: ${check.fails} of ${check.passes + check.fails} failed`,
      check.passes > 0 && check.fails === 0,
    );
  }
  for (const [metric, { thresholds }] of Object.entries(summary.metrics)) {
    for (const [expression, crossed] of Object.entries(thresholds ?? {})) {
      count(`threshold ${metric}: ${expression}`, !crossed);
    }
  }
  return outcome;
}

function checksOf(group: K6Group): K6Group["checks"][string][] {
  return [...Object.values(group.checks), ...Object.values(group.groups).flatMap(checksOf)];
}
