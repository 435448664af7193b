import { requestsOf } from "./answers.ts";
import { count, ms, percent, rate } from "./figures.ts";
import type { Percentiles } from "./k6-summary.ts";
import { cpuMsPerPrediction, type Report } from "./report.ts";
import { hasFailed } from "./verdicts.ts";

/** The report as lines for a terminal; the last one says how it came out. */
export function textOf(report: Report): string {
  const { answers, seconds, latency } = report;
  const requests = requestsOf(answers);
  const cpu = cpuMsPerPrediction(report);
  const sections = [
    columns([
      ["requests", `${count(requests)}, ${rate(requests / seconds)}/s`],
      [
        "answers",
        `${count(answers.ok)} good, ${count(answers.limited)} x 429, ${count(answers.refused)} x 503, ${count(answers.failed)} failed`,
      ],
      ["errors", percent(report.errorRate)],
      ["predictions", timesOf(latency.answers)],
      ...(latency.hits && latency.misses
        ? [
            ["  from the cache", timesOf(latency.hits)],
            ["  not from it", timesOf(latency.misses)],
          ]
        : []),
      ...(cpu === null ? [] : [["server CPU", `${ms(cpu)} a prediction`]]),
    ]),
    columns(
      report.parts.map(({ name, answered, latency, reads }) => [
        name,
        answered === null ? "nothing asked" : `${percent(answered)} answered`,
        timesOf(latency ?? reads),
      ]),
    ),
    columns(
      report.stages.map(({ stage, latency }) => [
        stage,
        `mean ${ms(latency.meanMs)}`,
        `p50 ${ms(latency.p50Ms)}`,
        `p99 ${ms(latency.p99Ms)}`,
      ]),
    ),
    columns(
      report.verdicts.map(({ what, limit, measured, passed, enforced }) => [
        passed === null ? "     " : passed ? "ok   " : enforced ? "FAIL " : "past ",
        what,
        measured,
        limit === "" ? "" : `${limit}${enforced ? "" : ", printed only"}`,
      ]),
    ),
  ];
  const closing = hasFailed(report) ? "FAILED" : "passed";
  return `\n${sections.filter((section) => section !== "").join("\n\n")}\n\n${report.scenario}: ${closing}`;
}

function timesOf(latency: Percentiles | null): string {
  if (latency === null) return "none";
  const { p50Ms, p95Ms, p99Ms, maxMs } = latency;
  return `p50 ${ms(p50Ms)}, p95 ${ms(p95Ms)}, p99 ${ms(p99Ms)}, longest ${ms(maxMs)}`;
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd())
    .join("\n");
}
