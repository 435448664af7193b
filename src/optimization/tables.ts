import type { Share } from "../evaluation/figures.ts";
import type { OptimizationReport } from "./report.ts";
import { percent } from "./verdict.ts";

/** Text in cells; the first row is the headings. */
type Rows = string[][];

const MEGABYTE = 1e6;

/** Both versions beside each other. */
export function versionRows({ source, made, comparison, timed, kernels }: OptimizationReport): Rows {
  const { agreement, sameStatus, difference, labelled } = comparison;
  const of = (share: Share) => `${percent(share.share)} (${share.count} of ${share.of})`;
  const rows: Rows = [
    ["", source.key, made.key],
    ...timed.map(({ rows: count, sourceMs, madeMs, speedup }) => [
      count === 1 ? "ms for a photograph, one core" : `ms for a photograph, ${count} at once`,
      sourceMs.toFixed(2),
      `${madeMs.toFixed(2)} (${speedup.toFixed(2)} times as fast)`,
    ]),
    ["MB", megabytes(source.bytes), megabytes(made.bytes)],
    ["layers on integer kernels", "", `${kernels.integer} of ${kernels.integer + kernels.float}`],
    ["same answer", "", of(agreement)],
    ["same status", "", of(sameStatus)],
    ["mean difference of probabilities", "", difference.toExponential(1)],
  ];
  if (labelled === null) return rows;
  const both = (name: string, text: (side: "source" | "made") => string) =>
    rows.push([name, text("source"), text("made")]);
  both("top-1", (side) => of(labelled[side].top1));
  both("macro F1", (side) => labelled[side].macroF1.toFixed(4));
  both("expected calibration error", (side) => percent(labelled[side].calibrationError));
  both("right when HIGH", (side) => of(labelled[side].rightWhenHigh));
  both("known, called unknown", (side) => of(labelled[side].knownRejected));
  if (labelled.source.unknownRejected.of > 0)
    both("unknown, called unknown", (side) => of(labelled[side].unknownRejected));
  return rows;
}

/** What was tried, on the photographs of the search. */
export function attemptRows({ tried, chosen }: OptimizationReport): Rows {
  return [
    ["tried", "layers left in float32", "same answer", "mean difference", "times as fast"],
    ...tried.map(({ name, agreement, difference, speedup, floatNodes }) => [
      name === chosen ? `${name} (verified)` : name,
      String(floatNodes.length),
      percent(agreement),
      difference.toExponential(1),
      speedup === null ? "–" : speedup.toFixed(2),
    ]),
  ];
}

/** How it is best run; null where that was not measured. */
export function executionRows({ execution }: OptimizationReport): Rows | null {
  if (execution === null) return null;
  const { graphOptimization, batch, threads, chosen } = execution;
  const mark = (is: boolean) => (is ? "chosen" : "");
  return [
    ["run with", "measured", ""],
    ...graphOptimization.map(({ level, ms }) => [
      `graph optimisation ${level}`,
      `${ms.toFixed(2)} ms`,
      mark(level === chosen.execution.graph_optimization),
    ]),
    ...batch.map(({ rows, ms }) => [
      `batch of ${rows}`,
      `${ms.toFixed(2)} ms a photograph`,
      mark(rows === chosen.maxBatch),
    ]),
    ...threads.map(({ workers, threads: each, perSecond }, index) => [
      `${workers} ${workers === 1 ? "worker" : "workers"} of ${each} ${each === 1 ? "thread" : "threads"}`,
      `${perSecond.toFixed(1)} photographs/s`,
      mark(index < 2 && each === chosen.execution.threads),
    ]),
  ];
}

/** GitHub's, https://github.github.com/gfm/#tables-extension-. */
export function markdownTable([headings, ...rows]: Rows): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const rule = headings!.map((_, column) => (column === 0 ? "---" : "---:"));
  return [headings!, rule, ...rows].map(line).join("\n");
}

/** For terminals: columns as wide as their widest cell. */
export function plainTable(rows: Rows): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const padded = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return rows.map((row) => row.map(padded).join("  ").trimEnd()).join("\n");
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(bytes < 10 * MEGABYTE ? 2 : 1);
}
