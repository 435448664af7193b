import { cpus } from "node:os";
import { atLeast, atMost, type Demand, demandLines } from "../demands.ts";
import type { Answers } from "./k6-client.ts";
import { type Figures, PHASES, type Phase } from "./measure.ts";

const NAMES: Record<Phase, string> = {
  alone: "alone",
  flood: "beside a client at 20 times its share",
  slow: "beside 200 slow uploads",
};

export interface Bounds {
  /** Least share of the quiet client's answers that are 200. */
  servedShare: number;
  /** Its p95 beside noise over that alone, at most. */
  p95Ratio: number;
}

export const STRICT: Bounds = { servedShare: 0.99, p95Ratio: 1.5 };
/** Where others use the machine, too. */
export const LOOSE: Bounds = { servedShare: 0.99, p95Ratio: 3 };

export function demands(
  { quiet, flood, floodPerSecond, noisyPerSecond }: Figures,
  { servedShare, p95Ratio }: Bounds,
): Demand[] {
  const noisy = PHASES.filter((phase) => phase !== "alone");
  return [
    atLeast("asked by the flood, of 20 times its share", floodPerSecond / noisyPerSecond, 0.9),
    atLeast("refused of the flood, share", flood.refused / asked(flood), 0.5),
    ...PHASES.map((phase) => atLeast(`200, share: ${NAMES[phase]}`, share(quiet[phase]), servedShare)),
    ...noisy.map((phase) => atMost(`p95, times that alone: ${NAMES[phase]}`, ratio(quiet, phase), p95Ratio)),
  ];
}

/** For people. */
export function terminalText(figures: Figures, found: readonly Demand[]): string {
  const lines = [
    `capacity ${figures.capacityPerSecond.toFixed(1)}/s, the quiet client asks ${figures.quietPerSecond.toFixed(1)}/s, the noisy one ${figures.noisyPerSecond.toFixed(0)}/s`,
    ...PHASES.map((phase) => {
      const { served, refused, wrong } = figures.quiet[phase];
      return `${NAMES[phase].padEnd(40)} 200: ${served}, 503: ${refused}, other: ${wrong}  ${latencies(figures.quiet[phase])}`;
    }),
    `the flood: 200: ${figures.flood.served}, 503: ${figures.flood.refused}, other: ${figures.flood.wrong}`,
    `the slow uploads: ${JSON.stringify(figures.slow)}`,
  ];
  return [...lines, ...demandLines(found)].join("\n");
}

/** Markdown. */
export function readmeTable({
  quiet,
  flood,
  capacityPerSecond,
  quietPerSecond,
  noisyPerSecond,
}: Figures): string {
  const rows = [
    ["the quiet client", "200", "p50 ms", "p95 ms", "p95, times alone"],
    ["---", "---:", "---:", "---:", "---:"],
    ...PHASES.map((phase) => [
      NAMES[phase],
      `${(100 * share(quiet[phase])).toFixed(1)}%`,
      quiet[phase].latencyMs?.med.toFixed(0) ?? "",
      quiet[phase].latencyMs?.p95.toFixed(0) ?? "",
      ratio(quiet, phase).toFixed(2),
    ]),
  ];
  const about =
    `resnet50, ${cpus().length} cores of ${cpus()[0]?.model.trim() ?? "an unknown processor"}, load generators beside the server; ` +
    `capacity ${capacityPerSecond.toFixed(0)} requests/s, the quiet client asks ${quietPerSecond.toFixed(1)}/s, the noisy one ` +
    `${noisyPerSecond.toFixed(0)}/s, of which ${((100 * flood.served) / asked(flood)).toFixed(0)}% are answered.`;
  return `${rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n\n${about}`;
}

const asked = ({ served, refused, wrong }: Answers) => served + refused + wrong;
const share = (answers: Answers) => answers.served / asked(answers);
const ratio = (quiet: Figures["quiet"], phase: Phase) =>
  (quiet[phase].latencyMs?.p95 ?? Number.POSITIVE_INFINITY) / (quiet.alone.latencyMs?.p95 ?? Number.NaN);

function latencies({ latencyMs }: Answers): string {
  if (latencyMs === null) return "none";
  const { med, p95, p99, max } = latencyMs;
  return `p50 ${med.toFixed(1)}  p95 ${p95.toFixed(1)}  p99 ${p99.toFixed(1)}  max ${max.toFixed(1)} ms`;
}
