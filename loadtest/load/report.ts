import { offeredAt, type Scenario } from "../catalogue.ts";
import { STAGES } from "../stages.ts";
import type { Answers } from "./answers.ts";
import type { Sample } from "./exposition.ts";
import { countOf, type K6Summary, type Percentiles, percentilesOf, rateOf } from "./k6-summary.ts";
import { judge, type Verdict } from "./verdicts.ts";

export interface Window {
  /** Where it begins, in seconds since the load began. */
  second: number;
  /** Of the requests that were sent in it. */
  answers: Answers;
  /** Of its good predictions. */
  latency: Percentiles | null;
  /** Requests a second that were to be sent; null where clients wait for their answers. */
  offered: number | null;
}

/** Everything that is known of one run: what the terminal, the JSON and the page show. */
export interface Report {
  scenario: string;
  question: string;
  /** ISO 8601. */
  startedAt: string;
  seconds: number;
  windowSeconds: number;
  target: { url: string; settings: Record<string, string> | null };
  /** Who asked: one line for each machine. */
  generators: string[];
  /** Requests a second that the server can do, as measured or as given. */
  capacity: number | null;
  answers: Answers;
  errorRate: number;
  fallbackAnswers: number;
  /** Requests that were due while every client was busy. */
  dropped: number;
  users: number;
  cacheHitRate: number | null;
  latency: { answers: Percentiles | null; hits: Percentiles | null; misses: Percentiles | null };
  parts: { name: string; answered: number | null; latency: Percentiles | null; reads: Percentiles | null }[];
  /** By station, from Server-Timing. */
  stages: { stage: string; latency: Percentiles }[];
  windows: Window[];
  samples: Sample[];
  verdicts: Verdict[];
}

/** How one run was set up. */
export interface RunFacts {
  name: string;
  scenario: Scenario;
  startedAt: string;
  seconds: number;
  windows: number;
  target: Report["target"];
  generator: string;
  capacity: number | null;
  /** Share of the load that this machine offered. */
  share: number;
  strict: boolean;
}

export function reportOf(facts: RunFacts, summary: K6Summary, samples: Sample[]): Report {
  const { scenario } = facts;
  const requests = summary.metrics.http_reqs;
  // k6's rates are counts over the time that the run took.
  const seconds =
    scenario.profile === null && requests?.rate ? (requests.count ?? 0) / requests.rate : facts.seconds;
  const windowSeconds = seconds / facts.windows;
  const report: Report = {
    scenario: facts.name,
    question: scenario.question,
    startedAt: facts.startedAt,
    seconds,
    windowSeconds,
    target: facts.target,
    generators: [facts.generator],
    capacity: facts.capacity,
    answers: answersOf(summary, ""),
    errorRate: rateOf(summary, "errors") ?? 0,
    fallbackAnswers: countOf(summary, "fallback_answers"),
    dropped: countOf(summary, "dropped_iterations"),
    users: summary.metrics.vus_max?.value ?? scenario.users,
    cacheHitRate: rateOf(summary, "cache_hits"),
    latency: {
      answers: percentilesOf(summary, "answer_ms"),
      hits: percentilesOf(summary, "hit_ms"),
      misses: percentilesOf(summary, "miss_ms"),
    },
    parts: scenario.parts.map(([, name]) => ({
      name: name.replaceAll("_", " "),
      answered: rateOf(summary, `answered{part:${name}}`),
      latency: percentilesOf(summary, `answer_ms{part:${name}}`),
      reads: percentilesOf(summary, `read_ms{part:${name}}`),
    })),
    stages: [...STAGES, "total"].flatMap((stage) => {
      const latency = percentilesOf(summary, `stage_${stage}_ms`);
      return latency === null ? [] : [{ stage, latency }];
    }),
    windows: Array.from({ length: facts.windows }, (_, i) => ({
      second: i * windowSeconds,
      answers: answersOf(summary, `_w${i}`),
      latency: percentilesOf(summary, `answer_ms_w${i}`),
      offered: offered(facts, (i + 0.5) / facts.windows),
    })),
    samples,
    verdicts: [],
  };
  report.verdicts = judge(report, summary, facts);
  return report;
}

/** CPU time that the server spent on each prediction, in ms; null where nobody could ask it, or much else was asked. */
export function cpuMsPerPrediction({
  scenario,
  samples,
}: Pick<Report, "scenario" | "samples">): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (scenario === "mixed" || !first || !last || last.predictions <= first.predictions) return null;
  return ((last.cpuSeconds - first.cpuSeconds) * 1000) / (last.predictions - first.predictions);
}

function answersOf(summary: K6Summary, suffix: string): Answers {
  const count = (kind: string) => countOf(summary, `answers_${kind}${suffix}`);
  return { ok: count("ok"), limited: count("limited"), refused: count("refused"), failed: count("failed") };
}

function offered({ name, scenario, capacity, share }: RunFacts, at: number): number | null {
  // Several behaviours, some of several requests: their sum is no figure of its own.
  if (scenario.profile === null || capacity === null || name === "mixed") return null;
  return offeredAt(scenario.profile, at) * capacity * share;
}
