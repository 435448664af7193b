import type { OptimizationReport } from "./report.ts";
import { attemptRows, executionRows, markdownTable, versionRows } from "./tables.ts";

/** What MODEL_CARD.md of a version says: how it was made and what that cost, and then all that its source's card said. */
export function modelCard(report: OptimizationReport, sourceCard: string | null): string {
  const { source, made, demands } = report;
  const kind = demands.goal === "speed" ? "Quantised to int8" : "Weights stored as float16";
  const sections = [
    `# ${made.key.replace("/", " ")}`,
    `${kind} from \`${source.key}\` (sha256 \`${source.sha256}\`).`,
    optimizationText(report),
  ];
  if (sourceCard !== null) {
    sections.push(
      `## The card of ${source.key}`,
      `What follows is about \`${source.key}\`, as its own card has it.`,
    );
    sections.push(withHeadingsBelow(sourceCard.trim()));
  }
  return `${sections.join("\n\n")}\n`;
}

/** The figures of a run in Markdown, for a card and for the documents. */
export function optimizationText(report: OptimizationReport): string {
  const { photographs, machine, comparison, command } = report;
  const execution = executionRows(report);
  const { calibration, search, verification } = photographs;
  const labels =
    comparison.labelled === null ? "" : " Accuracy is that of these photographs, by the folders they lie in.";
  return [
    `Both versions through the server's own decoding and preparation on ${verification} photographs that nothing was chosen by ` +
      `(ranges were measured on ${calibration} others, choices made by ${search}).${labels}`,
    markdownTable(versionRows(report)),
    ...(report.written ? [] : [`**Refused**: ${report.refusals.join("; ")}.`]),
    `What was tried, on the ${search} photographs of the search:`,
    markdownTable(attemptRows(report)),
    ...(execution === null
      ? []
      : ["How it is run, measured and written to the manifest:", markdownTable(execution)]),
    `${machine.processor}, ${machine.cores} cores, Bun ${machine.bun}, ${machine.at.slice(0, 10)}. To repeat it:`,
    `\`\`\`sh\n${command}\n\`\`\``,
  ].join("\n\n");
}

/** Two levels down, but for what only looks like a heading: a comment in a block of code. */
function withHeadingsBelow(markdown: string): string {
  let isCode = false;
  const lines = markdown.split("\n").map((line) => {
    if (/^\s*(```|~~~)/.test(line)) isCode = !isCode;
    return isCode ? line : line.replace(/^(#{1,4}) /, "##$1 ");
  });
  return lines.join("\n");
}
