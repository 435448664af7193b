import { join } from "node:path";
import { type Answers, requestsOf } from "./answers.ts";
import { UsageError } from "./arguments.ts";
import type { Percentiles } from "./k6-summary.ts";
import type { Report, Window } from "./report.ts";

/** @param path of a report's folder, or of its JSON @throws UsageError */
export async function readReport(path: string): Promise<Report> {
  const file = Bun.file(path.endsWith(".json") ? path : join(path, "report.json"));
  if (!(await file.exists())) throw new UsageError(`there is no report in ${path}`);
  const report = (await file.json()) as Report;
  if (!Array.isArray(report.windows)) throw new UsageError(`${path} is no report of a load test`);
  return report;
}

/**
 * One report of several that ran at the same time against one server. Counts add up. Percentiles cannot be had
 * from percentiles: each is the greatest of the parts', which the true one is never above.
 * @throws UsageError where they are not of one scenario and one length
 */
export function merged(reports: readonly Report[]): Report {
  const [first, ...others] = reports;
  if (first === undefined) throw new UsageError("there is nothing to merge");
  for (const { scenario, seconds, windows } of others)
    if (scenario !== first.scenario || seconds !== first.seconds || windows.length !== first.windows.length)
      throw new UsageError("these reports are of different scenarios or lengths");
  const sum = (value: (report: Report) => number) =>
    reports.reduce((total, report) => total + value(report), 0);
  const requests = sum(({ answers }) => requestsOf(answers));
  const worst = (pick: (report: Report) => Percentiles | null) => worstOf(reports.map(pick));
  return {
    ...first,
    startedAt: reports.map(({ startedAt }) => startedAt).sort()[0]!,
    generators: reports.flatMap(({ generators }) => generators),
    answers: addedUp(reports.map(({ answers }) => answers)),
    errorRate: sum((report) => report.errorRate * requestsOf(report.answers)) / Math.max(1, requests),
    fallbackAnswers: sum(({ fallbackAnswers }) => fallbackAnswers),
    dropped: sum(({ dropped }) => dropped),
    users: sum(({ users }) => users),
    cacheHitRate: weighted(reports.map((r) => [r.cacheHitRate, r.latency.answers?.count ?? 0])),
    latency: {
      answers: worst(({ latency }) => latency.answers),
      hits: worst(({ latency }) => latency.hits),
      misses: worst(({ latency }) => latency.misses),
    },
    parts: first.parts.map(({ name }, i) => ({
      name,
      answered: weighted(
        reports.map(({ parts }) => [parts[i]!.answered, (parts[i]!.latency ?? parts[i]!.reads)?.count ?? 0]),
      ),
      latency: worst(({ parts }) => parts[i]!.latency),
      reads: worst(({ parts }) => parts[i]!.reads),
    })),
    stages: first.stages.map(({ stage, latency }) => ({
      stage,
      latency:
        worst(({ stages }) => stages.find((other) => other.stage === stage)?.latency ?? null) ?? latency,
    })),
    windows: first.windows.map((window, i) =>
      mergedWindow(
        window.second,
        reports.map(({ windows }) => windows[i]!),
      ),
    ),
    // They all read the same server's.
    samples: reports.find(({ samples }) => samples.length > 0)?.samples ?? [],
    verdicts: reports.flatMap(({ verdicts }, i) =>
      verdicts.map((verdict) => ({ ...verdict, what: `machine ${i + 1}: ${verdict.what}` })),
    ),
  };
}

function mergedWindow(second: number, windows: readonly Window[]): Window {
  const offered = windows.map((window) => window.offered);
  return {
    second,
    answers: addedUp(windows.map(({ answers }) => answers)),
    latency: worstOf(windows.map(({ latency }) => latency)),
    offered: offered.includes(null) ? null : offered.reduce<number>((total, rate) => total + (rate ?? 0), 0),
  };
}

function addedUp(all: readonly Answers[]): Answers {
  const total = (kind: keyof Answers) => all.reduce((sum, answers) => sum + answers[kind], 0);
  return { ok: total("ok"), limited: total("limited"), refused: total("refused"), failed: total("failed") };
}

function worstOf(all: readonly (Percentiles | null)[]): Percentiles | null {
  const found = all.filter((latency) => latency !== null);
  if (found.length === 0) return null;
  const most = (key: keyof Percentiles) => Math.max(...found.map((latency) => latency[key]));
  const total = found.reduce((sum, { count }) => sum + count, 0);
  return {
    count: total,
    meanMs: found.reduce((sum, { meanMs, count }) => sum + meanMs * count, 0) / total,
    p50Ms: most("p50Ms"),
    p95Ms: most("p95Ms"),
    p99Ms: most("p99Ms"),
    maxMs: most("maxMs"),
  };
}

function weighted(all: readonly (readonly [share: number | null, weight: number])[]): number | null {
  const found = all.filter(([share]) => share !== null);
  const total = found.reduce((sum, [, weight]) => sum + weight, 0);
  return total === 0 ? null : found.reduce((sum, [share, weight]) => sum + share! * weight, 0) / total;
}
