import { cpus } from "node:os";
import { type Demand, demandLines } from "../demands.ts";
import type { OverloadFigures } from "./measure.ts";

/** For people. */
export function terminalText(figures: OverloadFigures, demands: readonly Demand[]): string {
  const { unloadedMs, peaks, overload, recovered, server } = figures;
  const lines = [
    `${figures.workers} workers, resnet50 at 384 x 384; ms`,
    `unloaded     p50 ${ms(unloadedMs.med)}  p95 ${ms(unloadedMs.p95)}  p99 ${ms(unloadedMs.p99)}`,
    ...peaks.map(
      ({ clients, perSecond }) => `${`${clients} clients`.padEnd(12)} ${perSecond.toFixed(1)} requests/s`,
    ),
    `asked        ${figures.offeredPerSecond.toFixed(0)} requests/s`,
    `served       ${figures.goodputPerSecond.toFixed(1)} requests/s  ${latencies(overload.servedMs)}`,
    `refused      ${overload.refused}  ${latencies(overload.refusedMs)}`,
    `afterwards   ${latencies(recovered.servedMs)}`,
    `limits       ${server.inFlightLimit} in flight, ${server.queueLimit} waiting, ${ms(server.queueWaitMs)} at most`,
    `generator    ${(100 * overload.generatorCores).toFixed(1)}% of a core`,
    "",
  ];
  return [...lines, ...demandLines(demands)].join("\n");
}

/** Markdown. */
export function readmeTable(figures: OverloadFigures): string {
  const { unloadedMs, peak, overload, recovered, server } = figures;
  const rows = [
    ["", "requests/s", "p50 ms", "p99 ms"],
    ["---", "---:", "---:", "---:"],
    ["one client", "", ms(unloadedMs.med), ms(unloadedMs.p99)],
    [`peak, ${peak.clients} clients`, peak.perSecond.toFixed(1), "", ""],
    ["asked", figures.offeredPerSecond.toFixed(0), "", ""],
    [
      "answered with 200",
      figures.goodputPerSecond.toFixed(1),
      ms(overload.servedMs?.med),
      ms(overload.servedMs?.p99),
    ],
    [
      "answered with 503",
      refusedPerSecond(figures),
      ms(overload.refusedMs?.med),
      ms(overload.refusedMs?.p99),
    ],
    ["one client, 2 s after the end", "", ms(recovered.servedMs?.med), ms(recovered.servedMs?.p99)],
  ];
  const share = Math.round((100 * figures.goodputPerSecond) / peak.perSecond);
  const about = [
    `${share}% of the peak were still answered with 200 (wanted: 90%).`,
    `${figures.workers} workers on ${cpus()[0]?.model.trim() ?? "an unknown processor"}, the load generator beside them`,
    `(${(100 * overload.generatorCores).toFixed(0)}% of a core). Limits found: ${server.inFlightLimit} images in flight,`,
    `${server.queueLimit} waiting, at most ${ms(server.queueWaitMs)} ms. Neither 200 nor 503: ${overload.wrong + recovered.wrong}.`,
  ];
  return `${rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n\n${about.join(" ")}`;
}

function refusedPerSecond({ overload, offeredPerSecond }: OverloadFigures): string {
  const { served, refused, wrong } = overload;
  return ((offeredPerSecond * refused) / (served + refused + wrong)).toFixed(0);
}

function latencies(of: { med: number; p99: number; max: number } | null): string {
  return of === null ? "none" : `p50 ${ms(of.med)}  p99 ${ms(of.p99)}  max ${ms(of.max)}`;
}

/** Whole from 10 ms on. */
function ms(figure: number | undefined): string {
  if (figure === undefined) return "";
  return figure >= 10 ? figure.toFixed(0) : figure.toFixed(1);
}
