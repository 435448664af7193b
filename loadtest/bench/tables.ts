import type { Photographs } from "./photographs.ts";
import { HEADLINE } from "./plan.ts";
import type { CellResult, Promises, Results } from "./results.ts";

/** Text in cells; the first row is the headings. */
type Rows = string[][];

const MISSING = "–";

/** Columns as wide as their widest cell, the first `texts` of them to the left. */
export function plainTable(rows: Rows, texts: number): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const padded = (text: string, column: number) =>
    column < texts ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return rows.map((row) => row.map(padded).join("  ").trimEnd()).join("\n");
}

/** GitHub's, https://github.github.com/gfm/#tables-extension-. */
export function markdownTable(rows: Rows, texts: number): string {
  const [headings, ...body] = rows as [string[], ...Rows];
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const rule = headings.map((_, column) => (column < texts ? "---" : "---:"));
  return [headings, rule, ...body].map(line).join("\n");
}

/** Every cell of a run. */
export function cellRows({ cells }: Pick<Results, "cells">): Rows {
  const headings = [
    "model",
    "photograph",
    "what",
    "conn",
    "CPU ms",
    "req/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "MB",
    "failed",
    "generator",
  ];
  return [headings, ...cells.map(cellRow)];
}

function cellRow({ model, photograph, kind, connections, median }: CellResult): string[] {
  const failed = Object.entries(median.failures).map(([what, count]) => `${count} x ${what}`);
  return [
    model,
    photograph,
    kind,
    kind === "bare" ? MISSING : String(connections),
    digits(median.cpuMs, 3),
    digits(median.perSecond, 3),
    digits(median.p50Ms, 3),
    digits(median.p95Ms, 3),
    digits(median.p99Ms, 3),
    median.residentMb === null ? MISSING : median.residentMb.toFixed(0),
    failed.join(", ") || "0",
    median.generatorCores === null ? MISSING : `${(median.generatorCores * 100).toFixed(0)}%`,
  ];
}

/** One row for each model and kind of photograph, at the headline's connections: the table of the README. */
export function summaryRows(results: Results, photographs: readonly Photographs[]): Rows {
  const headings = [
    "model",
    "photograph",
    "bare / server CPU",
    "bare CPU ms",
    "server CPU ms",
    "requests/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "multipart / raw CPU",
    "requests/s from the cache",
    "MB",
  ];
  const { connections } = HEADLINE;
  const rows = results.pairs.map(({ model, photograph }) => {
    const find = (kind: "raw" | "multipart" | "hits") => results.find(model, photograph, kind, connections);
    const raw = find("raw")?.median;
    const multipart = find("multipart")?.median;
    const kilobytes = photographs.find(({ name }) => name === photograph)?.kilobytes;
    return [
      model,
      kilobytes === undefined ? photograph : `${photograph}, ${digits(kilobytes, 2)} kB`,
      ratio(results.bareRatio(model, photograph, connections)),
      digits(results.find(model, photograph, "bare", 0)?.median.cpuMs, 3),
      digits(raw?.cpuMs, 3),
      digits(raw?.perSecond, 3),
      digits(raw?.p50Ms, 3),
      digits(raw?.p95Ms, 3),
      digits(raw?.p99Ms, 3),
      ratio(raw && multipart ? multipart.cpuMs / raw.cpuMs : null),
      digits(find("hits")?.median.perSecond, 3),
      digits(raw?.residentMb, 3),
    ];
  });
  return [headings, ...rows];
}

/** What the server promises beside what it did. */
export function promiseLines(promises: Promises): string[] {
  const { model, photograph, connections } = HEADLINE;
  const where = `${model}, ${photograph}, ${connections} connections`;
  const line = (figure: number | null, unit: string, text: string) =>
    figure === null ? [] : [`${`${ratio(figure)}${unit}`.padStart(10)}  ${text}`];
  return [
    ...line(promises.ratio, "", `bare / server CPU: ${where} (at least 0.85)`),
    ...line(promises.multipartOverRaw, "", "multipart / raw CPU (at most 1.04)"),
    ...line(
      promises.hitsOverMisses,
      "",
      "requests/s from the cache over those it does not have (at least 15)",
    ),
    ...line(promises.liveP99Ms, " ms", "p99 of /health/live while the pool is saturated (under 10)"),
    ...line(promises.steadyP99OverP50, "", "p99 / p50 at 80% of the capacity (at most 2)"),
  ];
}

export function ratio(value: number | null | undefined): string {
  return value == null ? MISSING : value >= 10 ? digits(value, 3) : value.toFixed(2);
}

/** So many significant digits, without an exponent. */
export function digits(value: number | null | undefined, count: number): string {
  if (value == null || Number.isNaN(value)) return MISSING;
  const whole = value === 0 ? 1 : Math.max(1, Math.floor(Math.log10(Math.abs(value))) + 1);
  return value.toFixed(Math.max(0, count - whole));
}
