import type { OptimizationReport } from "./report.ts";
import { attemptRows, executionRows, plainTable, versionRows } from "./tables.ts";

/**
 * What the person at the terminal reads at the end.
 * @param written null where it was refused
 */
export function summary(
  report: OptimizationReport,
  written: { folder: string; isNewest: boolean } | null,
): string {
  const execution = executionRows(report);
  return [
    plainTable(versionRows(report)),
    plainTable(attemptRows(report)),
    ...(execution === null ? [] : [plainTable(execution)]),
    written === null
      ? `Refused: ${report.refusals.join("; ")}. Nothing was written.`
      : `Wrote ${report.made.key} to ${written.folder}\n${whatNext(report.made.key, written.isNewest)}`,
  ].join("\n\n");
}

function whatNext(key: string, isNewest: boolean): string {
  const [name] = key.split("/");
  return isNewest
    ? `It is the newest version of ${name}: from the next start on it answers whoever names no version.`
    : `Compare: ask with ?model=${key}. Serve it by default: PINHOLE_MODEL_DEFAULT=${key}`;
}
