import { digits, ratio } from "../bench/tables.ts";
import type { NetworkResult, PeerResult, PeerSample } from "./results.ts";
import { rateRatio } from "./results.ts";

/** Above this share of a core something else has slowed the measurement down. */
export const QUIET_CORES = 0.1;

/** One row for each server, the first the headings. */
export function terminalRows({ peers }: NetworkResult): string[][] {
  const headings = [
    "server",
    "setting",
    ...FIGURES,
    "failed",
    "generator",
    "others",
    "answers like Pinhole's",
  ];
  return [headings, ...peers.map((peer) => terminalRow(peer, pinholeOf(peers)))];
}

/** What the README shows. */
export function readmeRows({ peers }: NetworkResult): string[][] {
  const rows = peers.map((peer) => [peer.title, ...figures(peer, pinholeOf(peers))]);
  return [["server", ...FIGURES], ...rows];
}

/** The settings of one peer, for the README beside this file. */
export function settingRows(peers: readonly PeerResult[]): string[][] {
  const rows = peers.map(
    ({ setting, median: { perSecond, p50Ms, p99Ms, cpuMs, residentMb, otherCores } }) => [
      setting,
      digits(perSecond, 3),
      digits(p50Ms, 3),
      digits(p99Ms, 3),
      digits(cpuMs, 3),
      residentMb.toFixed(0),
      percent(otherCores),
    ],
  );
  return [["setting", "requests/s", "p50 ms", "p99 ms", "CPU ms", "MB", "others"], ...rows];
}

const FIGURES = ["requests/s", "Pinhole's over it", "p50 ms", "p99 ms", "CPU ms", "MB"];

function figures(peer: PeerResult, pinhole: PeerResult | undefined): string[] {
  const { perSecond, p50Ms, p99Ms, cpuMs, residentMb } = peer.median;
  const isPinhole = peer === pinhole;
  return [
    digits(perSecond, 3),
    isPinhole || !pinhole ? "–" : ratio(rateRatio(pinhole, peer)),
    digits(p50Ms, 3),
    digits(p99Ms, 3),
    digits(cpuMs, 3),
    residentMb.toFixed(0),
  ];
}

function terminalRow(peer: PeerResult, pinhole: PeerResult | undefined): string[] {
  const { median, agreement, setting } = peer;
  return [
    peer.title,
    setting,
    ...figures(peer, pinhole),
    failures(median),
    percent(median.generatorCores),
    percent(median.otherCores),
    agreement === null ? "–" : `${agreement.sameFirst} of ${agreement.photographs}`,
  ];
}

export function percent(cores: number): string {
  return `${(cores * 100).toFixed(0)}%`;
}

function failures(sample: PeerSample): string {
  const kinds = Object.entries(sample.failures).map(([kind, count]) => `${count} x ${kind}`);
  return kinds.join(", ") || "0";
}

function pinholeOf(peers: readonly PeerResult[]): PeerResult | undefined {
  return peers.find(({ name }) => name === "pinhole");
}

/** What makes the figures less than they seem; nothing when all is well. */
export function warnings(results: readonly NetworkResult[]): string[] {
  return results.flatMap(({ network, peers }) =>
    peers.flatMap(({ title, sameWork, agreement, median, setting }) => {
      const about = `${network}, ${title} (${setting})`;
      const failed = Object.values(median.failures).reduce((sum, count) => sum + count, 0);
      return [
        ...(sameWork ? [] : [`${about} names another class than Pinhole: ${JSON.stringify(agreement)}`]),
        ...(failed === 0
          ? []
          : [`${about}: ${failures(median)} of ${failed + median.answers} requests failed`]),
        ...(median.otherCores <= QUIET_CORES
          ? []
          : [`${about}: something else took ${percent(median.otherCores)} of a core meanwhile`]),
      ];
    }),
  );
}
