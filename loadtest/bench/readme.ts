import { type Comparison, optimizedRows } from "./comparison.ts";
import type { Machine } from "./machine.ts";
import type { BenchRun } from "./run.ts";
import { markdownTable, ratio, summaryRows } from "./tables.ts";

/** The table of the README, and what it was measured with. */
export function benchSection({ results, photographs }: BenchRun, about: Machine): string {
  const rounds = results.cells[0]?.samples.length ?? 0;
  const { hitsOverMisses, liveP99Ms, steadyP99OverP50 } = results.promises;
  return `
${markdownTable(summaryRows(results, photographs), 2)}

Medians of ${rounds} interleaved rounds at 16 connections, all checks on, the load generator on the same ${about.cores} cores
(${about.processor}, Bun ${about.bun}, revision ${about.revision ?? "unknown"}, ${about.at.slice(0, 10)}). For mobilenet_v3_small and 256x256,
cache hits come ${ratio(hitsOverMisses)} times as fast as misses, \`/health/live\` has a p99 of ${ratio(liveP99Ms)} ms while the pool is
saturated, and p99 / p50 at 80% of the capacity is ${ratio(steadyP99OverP50)}.`;
}

/** The table of docs/optimizing.md: networks served as int8 beside the same as float32. */
export function optimizedSection(comparisons: readonly Comparison[], about: Machine): string {
  const { samples, connections } = comparisons[0]!.here;
  return `
${markdownTable(optimizedRows(comparisons), 2)}

Medians of ${samples.length} interleaved rounds at ${connections} connections, all checks on, the cache off, the load generator on the same
${about.cores} cores (${about.processor}, Bun ${about.bun}, revision ${about.revision ?? "unknown"}, ${about.at.slice(0, 10)}). Ratios are medians of the
ratios within a round.`;
}
