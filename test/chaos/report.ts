import { withSection } from "../../loadtest/readme-section.ts";
import type { ChaosReport } from "./chaos.ts";
import { FAULTS } from "./plan.ts";

const README = new URL("../../README.md", import.meta.url).pathname;

/** A row for each fault: how often it came, and the longest time without readiness. */
export function table({ blows }: Pick<ChaosReport, "blows">): string[][] {
  return FAULTS.flatMap((fault) => {
    const these = blows.filter((blow) => blow.fault === fault);
    if (these.length === 0) return [];
    const longestMs = Math.max(...these.map(({ notReadyMs }) => notReadyMs));
    return [
      [
        fault,
        String(these.length),
        longestMs === 0 ? "ready throughout" : `${(longestMs / 1000).toFixed(1)} s`,
      ],
    ];
  });
}

/** What the whole came to, in sentences. */
export function summary(report: ChaosReport): string[] {
  const { requests, outcomes, slowestMs, flushed, lost, unrecorded, counted } = report;
  const by = Object.entries(outcomes)
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${count} × ${outcome}`);
  return [
    `${requests} requests: ${by.join(", ")}; the slowest took ${(slowestMs / 1000).toFixed(1)} s.`,
    `${lost} of ${flushed} flushed records lost; ${unrecorded} answers unrecorded while the disk was full or the database locked, ${counted} counted by the server.`,
  ];
}

export function reportText(report: ChaosReport): string {
  const lines = table(report).map(
    ([fault, times, notReady]) =>
      `${fault!.padEnd(22)} ${times!.padStart(3)} ×  not ready for at most: ${notReady}`,
  );
  const failures = report.failures.map((failure) => `FAILED ${failure}`);
  return [...lines, "", ...summary(report), ...failures].join("\n");
}

/** Markdown: the table, and what the whole came to. */
export function chaosSection(report: ChaosReport): string {
  const rows = [["Fault", "Times", "Longest without readiness"], ["---", "---", "---"], ...table(report)];
  const lines = rows.map((cells) => `| ${cells.join(" | ")} |`);
  const processes = report.processes === 1 ? "one process" : `${report.processes} processes`;
  const about = `Seed ${report.seed}, ${report.seconds} s, ${processes}. ${summary(report).join(" ")}`;
  return `${lines.join("\n")}\n\n${about}`;
}

export async function updateReadme(report: ChaosReport): Promise<void> {
  await Bun.write(README, withSection(await Bun.file(README).text(), "chaos", chaosSection(report)));
}
