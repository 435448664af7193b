import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { optimizationText } from "../optimization/card.ts";
import type { OptimizationReport } from "../optimization/report.ts";
import { markdownTable } from "../optimization/tables.ts";
import { percent } from "../optimization/verdict.ts";

/**
 * `bun run docs:optimizing`: puts what models:optimize measured (docs/optimizing/*.json) into docs/optimizing.md, and
 * into the cards of the models that come with the server.
 */

const BEGIN = "<!-- models: written by `bun run docs:optimizing` -->";
const END = "<!-- models: end -->";

/** A page as it is and as it should be. */
export interface Page {
  path: string;
  now: string;
  wanted: string;
}

/** docs/optimizing.md, and the card of each model in models/ that was optimised. */
export async function optimizingPages(root: string): Promise<Page[]> {
  const folder = join(root, "docs/optimizing");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  const reports: OptimizationReport[] = [];
  for (const file of files) reports.push(await Bun.file(join(folder, file)).json());
  const sections = reports.map((report) => `### ${report.source.key}\n\n${optimizationText(report)}`);
  const pages = [
    await page(
      join(root, "docs/optimizing.md"),
      [markdownTable(overview(reports)), ...sections].join("\n\n"),
    ),
  ];
  for (const report of reports) {
    const path = join(root, "models", report.source.key, "MODEL_CARD.md");
    if (await Bun.file(path).exists()) pages.push(await page(path, optimizationText(report)));
  }
  return pages;
}

async function page(path: string, inner: string): Promise<Page> {
  const now = await Bun.file(path).text();
  return { path, now, wanted: withReports(now, inner) };
}

/** `text` with `inner` between its two markers. Throws where there are none. */
export function withReports(text: string, inner: string): string {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) throw new Error(`no place for the reports: wanted ${BEGIN} and ${END}`);
  return `${text.slice(0, from + BEGIN.length)}\n\n${inner}\n\n${text.slice(to)}`;
}

function overview(reports: readonly OptimizationReport[]): string[][] {
  const rows = reports.map(({ source, made, written, comparison, timed, kernels }) => {
    const { agreement, labelled } = comparison;
    const [single] = timed;
    const top1 = labelled && [labelled.source, labelled.made].map((each) => percent(each.top1.share));
    return [
      source.key,
      written ? made.key.split("/")[1]! : "refused",
      `${single!.sourceMs.toFixed(2)} → ${single!.madeMs.toFixed(2)}`,
      single!.speedup.toFixed(2),
      `${(source.bytes / 1e6).toFixed(1)} → ${(made.bytes / 1e6).toFixed(1)}`,
      `${kernels.integer} of ${kernels.integer + kernels.float}`,
      `${percent(agreement.share)} of ${agreement.of}`,
      top1 ? top1.join(" → ") : "–",
    ];
  });
  const headings = [
    "model",
    "version",
    "ms, one core",
    "times as fast",
    "MB",
    "integer layers",
    "same answer",
    "top-1",
  ];
  return [headings, ...rows];
}

if (import.meta.main) {
  for (const { path, now, wanted } of await optimizingPages(process.cwd())) {
    if (now === wanted) continue;
    await Bun.write(path, wanted);
    console.log(`wrote ${path}`);
  }
}
