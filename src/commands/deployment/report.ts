import type { Finding, Outcome } from "./finding.ts";
import type { Durations } from "./performance.ts";

export interface Report {
  url: string;
  /** ISO 8601. */
  checkedAt: string;
  findings: readonly Finding[];
  durations: readonly Durations[];
}

const WORDS: Record<Outcome, string> = { ok: "ok", warning: "WARNING", failed: "FAILED", skipped: "skipped" };

export function count({ findings }: Report, outcome: Outcome): number {
  return findings.filter((finding) => finding.outcome === outcome).length;
}

/** For people: one line for each finding, the sum in the last one. */
export function reportText(report: Report): string {
  const width = Math.max(...report.findings.map(({ name }) => name.length));
  const lines: string[] = [];
  let group = "";
  for (const finding of report.findings) {
    if (finding.group !== group) lines.push("", finding.group);
    group = finding.group;
    lines.push(`  ${WORDS[finding.outcome].padEnd(8)} ${finding.name.padEnd(width)}  ${finding.detail}`);
  }
  const sums = (["ok", "warning", "failed", "skipped"] as const).map(
    (outcome) => `${count(report, outcome)} ${outcome}`,
  );
  lines.push("", `${report.url}: ${sums.join(", ")}`);
  return lines.join("\n");
}

/** For machines: snake_case, like everything that leaves us as JSON. */
export function reportJson(report: Report): string {
  const document = {
    url: report.url,
    checked_at: report.checkedAt,
    passed: count(report, "failed") === 0,
    counts: Object.fromEntries(
      (["ok", "warning", "failed", "skipped"] as const).map((outcome) => [outcome, count(report, outcome)]),
    ),
    findings: report.findings,
    performance: report.durations.map(({ kind, requests, concurrency, p50Ms, p95Ms }) => ({
      kind,
      requests,
      concurrency,
      p50_ms: p50Ms,
      p95_ms: p95Ms,
    })),
  };
  return JSON.stringify(document, null, 2);
}
