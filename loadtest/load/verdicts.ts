import { PROBES } from "../catalogue.ts";
import { LIMITS } from "../thresholds.ts";
import { requestsOf } from "./answers.ts";
import { bytes, count, ms, percent, rate } from "./figures.ts";
import type { K6Metric, K6Summary } from "./k6-summary.ts";
import type { Report, RunFacts } from "./report.ts";

/** One demand on a run, and how it came out. */
export interface Verdict {
  what: string;
  limit: string;
  measured: string;
  /** Null: a figure that has no limit. */
  passed: boolean | null;
  /** Whether it decides the exit code: ratios and loose bounds do, absolute times only when asked for. */
  enforced: boolean;
}

/** Shorter soaks still warm up: their memory says nothing. */
const SOAK_LEAST_SECONDS = 600;

/** What k6 enforced, in its own order, and what only the runner can see. */
export function judge(report: Report, summary: K6Summary, facts: RunFacts): Verdict[] {
  return [...ofK6(summary), ...ofTimes(report, facts), ...ofMemory(report), ...ofScenario(report)];
}

export function hasFailed({ verdicts }: Report): boolean {
  return verdicts.some(({ enforced, passed }) => enforced && passed === false);
}

function ofK6({ metrics }: K6Summary): Verdict[] {
  return Object.entries(metrics)
    .sort(([a], [b]) => a.localeCompare(b))
    .flatMap(([metric, found]) =>
      Object.entries(found.thresholds ?? {}).map(([expression, crossed]) => ({
        what: METRIC_WORDS[metric] ?? metric.replaceAll("_", " ").replace(/\{part:(.*)\}/, ", $1"),
        limit: expression
          .replace(/^(rate|count|value)/, "")
          .replace(/([<>=]+)/, " $1 ")
          .trim(),
        measured: measuredOf(found, expression),
        passed: !crossed,
        enforced: true,
      })),
    );
}

const METRIC_WORDS: Record<string, string> = {
  answer_ms: "time of a prediction, ms",
  cache_hits: "share of hits",
  checks: "share of right checks",
  dropped_iterations: "requests that no client was free for, 1/s",
  errors: "share of errors",
  fallback_answers: "fallback answers",
  http_reqs: "requests, 1/s",
  vus_max: "clients",
};

function measuredOf(metric: K6Metric, expression: string): string {
  const percentile = /^p\((50|90|95|99)\)/.exec(expression)?.[0] as "p(50)" | undefined;
  const value = percentile
    ? metric[percentile]
    : expression.startsWith("count")
      ? metric.count
      : metric.passes !== undefined || expression.startsWith("value")
        ? metric.value
        : metric.rate;
  return count(value ?? 0);
}

/** Printed where k6 does not enforce them. */
function ofTimes(report: Report, { scenario, strict }: RunFacts): Verdict[] {
  const { answers } = report.latency;
  const probes = report.parts.find(({ name }) => name === PROBES[1])?.reads;
  const ofProbes = probes ? [time("99% of the probes of /health/live", LIMITS.probeP99Ms, probes.p99Ms)] : [];
  if (answers === null) return ofProbes;
  const spread: Verdict = {
    what: "p99 over p50",
    limit: "",
    measured: (answers.p99Ms / answers.p50Ms).toFixed(1),
    passed: null,
    enforced: false,
  };
  if (!scenario.latencyMatters || strict) return [...ofProbes, spread];
  return [
    time("95% of the predictions", LIMITS.p95Ms, answers.p95Ms),
    time("99% of the predictions", LIMITS.p99Ms, answers.p99Ms),
    spread,
  ];
}

function time(what: string, limitMs: number, measuredMs: number): Verdict {
  return {
    what,
    limit: `< ${limitMs} ms`,
    measured: ms(measuredMs),
    passed: measuredMs < limitMs,
    enforced: false,
  };
}

/** Mean resident memory of the second half over the first. */
function ofMemory({ scenario, seconds, samples }: Report): Verdict[] {
  const half = (isSecond: boolean) => {
    const sizes = samples
      .filter(({ second }) => second >= seconds / 2 === isSecond)
      .map(({ residentBytes }) => residentBytes);
    return sizes.length === 0 ? null : sizes.reduce((a, b) => a + b) / sizes.length;
  };
  const [first, second] = [half(false), half(true)];
  if (first === null || second === null) return [];
  const growth = second / first - 1;
  const isSoak = scenario === "soak" && seconds >= SOAK_LEAST_SECONDS;
  return [
    {
      what: `resident memory, second half over the first (${bytes(second)}, ${bytes(first)})`,
      limit: isSoak ? `<= +${percent(LIMITS.memoryGrowth)}` : "",
      measured: `${growth < 0 ? "-" : "+"}${percent(Math.abs(growth))}`,
      passed: isSoak ? growth <= LIMITS.memoryGrowth : null,
      enforced: isSoak,
    },
  ];
}

function ofScenario(report: Report): Verdict[] {
  const figure = (what: string, measured: string): Verdict => ({
    what,
    limit: "",
    measured,
    passed: null,
    enforced: false,
  });
  if (report.scenario === "breakpoint") {
    const kept = rateKept(report);
    return [figure("answers everybody up to", kept === null ? "no rate at all" : `${rate(kept)}/s`)];
  }
  const [first, second] = report.parts.map(({ latency }) => latency);
  if (report.scenario === "double-wave" && first && second)
    return [figure("p95, second wave over the first", (second.p95Ms / first.p95Ms).toFixed(2))];
  return [];
}

/** Mean rate of the last window before the first in which too much was refused, failed or late. */
function rateKept({ windows, windowSeconds }: Report): number | null {
  const broken = windows.findIndex(({ answers, latency }) => {
    const all = requestsOf(answers);
    return (
      all > 0 &&
      (1 - answers.ok / all > LIMITS.unansweredAtBreakpoint || (latency?.p99Ms ?? 0) > LIMITS.p99Ms)
    );
  });
  const last = windows[(broken < 0 ? windows.length : broken) - 1];
  return last === undefined ? null : (last.latency?.count ?? 0) / windowSeconds;
}
