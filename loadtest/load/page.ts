import { requestsOf } from "./answers.ts";
import { chartHtml, escaped } from "./chart.ts";
import { chartsOf } from "./charts.ts";
import { bytes, count, duration, ms, percent, rate } from "./figures.ts";
import type { Percentiles } from "./k6-summary.ts";
import { cpuMsPerPrediction, type Report } from "./report.ts";
import { STYLE } from "./style.ts";
import { hasFailed, type Verdict } from "./verdicts.ts";

/** The report as one page that needs nothing beside itself: no script, no font, no picture from elsewhere. */
export function htmlOf(report: Report): string {
  const failed = hasFailed(report);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(report.scenario)}: load test of Pinhole</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="kicker">Load test of Pinhole</p>
<h1>${escaped(report.scenario)} <span class="badge ${failed ? "bad" : "good"}">${failed ? "failed" : "passed"}</span></h1>
<p class="question">${escaped(report.question)}</p>
<p class="facts">${factsOf(report).map(escaped).join(" · ")}</p>
</header>
<main>
<section class="tiles">${tilesOf(report)
    .map(([name, value]) => `<div><span>${escaped(name)}</span><b>${escaped(value)}</b></div>`)
    .join("")}</section>
<section class="charts">${chartsOf(report).map(chartHtml).join("\n")}</section>
<section class="tables">
${table("What was asked of it", ["", "", "limit", "measured"], report.verdicts.map(verdictRow))}
${report.parts.length > 0 ? table("By part", ["", "answered", "p50", "p95", "p99"], partRows(report)) : ""}
${report.stages.length > 0 ? table("By station, from Server-Timing", ["", "mean", "p50", "p95", "p99"], stageRows(report)) : ""}
${table("How requests ended", ["", "", ""], endingRows(report))}
</section>
</main>
<footer>${report.generators.map((line) => `<p>Load from ${escaped(line)}</p>`).join("")}${settingsLine(report)}</footer>
</body>
</html>
`;
}

function factsOf(report: Report): string[] {
  return [
    `${report.startedAt.slice(0, 16).replace("T", " ")} UTC`,
    duration(report.seconds),
    report.target.url,
    ...(report.capacity === null ? [] : [`capacity ${rate(report.capacity)} predictions/s`]),
  ];
}

function tilesOf(report: Report): [name: string, value: string][] {
  const requests = requestsOf(report.answers);
  const { answers: latency } = report.latency;
  const cpu = cpuMsPerPrediction(report);
  const peak = Math.max(0, ...report.samples.map(({ residentBytes }) => residentBytes));
  return [
    ["requests", count(requests)],
    ["per second", rate(requests / report.seconds)],
    ...(latency === null
      ? []
      : ([
          ["p50", ms(latency.p50Ms)],
          ["p95", ms(latency.p95Ms)],
          ["p99", ms(latency.p99Ms)],
        ] satisfies [string, string][])),
    ["errors", percent(report.errorRate)],
    ...(report.scenario === "cache" && report.cacheHitRate !== null
      ? ([["cache hits", percent(report.cacheHitRate)]] satisfies [string, string][])
      : []),
    ...(cpu === null ? [] : ([["server CPU per prediction", ms(cpu)]] satisfies [string, string][])),
    ...(peak === 0 ? [] : ([["most resident memory", bytes(peak)]] satisfies [string, string][])),
  ];
}

type Cell = string | { html: string };

function verdictRow({ what, limit, measured, passed, enforced }: Verdict): Cell[] {
  const word = passed === null ? "" : passed ? "within" : enforced ? "past" : "past, printed only";
  const colour = passed === null ? "" : passed ? "good" : enforced ? "bad" : "warn";
  return [what, { html: `<em class="${colour}">${word}</em>` }, limit, measured];
}

function partRows({ parts }: Report): Cell[][] {
  return parts.map(({ name, answered, latency, reads }) => [
    name,
    answered === null ? "none" : percent(answered),
    ...times(latency ?? reads),
  ]);
}

function stageRows({ stages }: Report): Cell[][] {
  const longest = Math.max(...stages.map(({ latency }) => latency.meanMs));
  return stages.map(({ stage, latency }) => [
    stage,
    {
      html: `<span class="bar" style="--share:${((latency.meanMs / longest) * 100).toFixed(1)}%">${escaped(ms(latency.meanMs))}</span>`,
    },
    ...times(latency),
  ]);
}

function endingRows(report: Report): Cell[][] {
  const { answers, dropped } = report;
  const all = Math.max(1, requestsOf(answers));
  const row = (name: string, number: number): Cell[] => [name, count(number), percent(number / all)];
  const { hits, misses } = report.latency;
  return [
    row("answered as the contract has it", answers.ok),
    row("429, over a limit", answers.limited),
    row("503, the server is full", answers.refused),
    row("anything else", answers.failed),
    ["fallback answers among these", count(report.fallbackAnswers), ""],
    ["never sent: every client was busy", count(dropped), ""],
    ...(hits && misses
      ? [
          ["from the cache, p50", ms(hits.p50Ms), count(hits.count)],
          ["not from the cache, p50", ms(misses.p50Ms), count(misses.count)],
        ]
      : []),
  ];
}

function times(latency: Percentiles | null): string[] {
  return latency === null ? ["", "", ""] : [ms(latency.p50Ms), ms(latency.p95Ms), ms(latency.p99Ms)];
}

function table(title: string, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cell = (content: Cell) => `<td>${typeof content === "string" ? escaped(content) : content.html}</td>`;
  const headed = head.some((name) => name !== "");
  return `<div class="table"><h2>${escaped(title)}</h2><table>${
    headed ? `<thead><tr>${head.map((name) => `<th>${escaped(name)}</th>`).join("")}</tr></thead>` : ""
  }<tbody>${rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("\n")}</tbody></table></div>`;
}

function settingsLine({ target: { settings } }: Report): string {
  if (settings === null) return "<p>The server ran already; its settings are its own.</p>";
  const list = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return `<p>A server of its own, with ${list.map((setting) => `<code>${escaped(setting)}</code>`).join(" ")}</p>`;
}
