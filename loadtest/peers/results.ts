import { median } from "../bench/statistics.ts";
import type { Agreement } from "./answers.ts";

/** One measurement of one server. */
export interface PeerSample {
  /** Answers a second; failures are none. */
  perSecond: number;
  /** Null when nothing was answered. */
  p50Ms: number | null;
  p99Ms: number | null;
  /** CPU time of all of the server's processes, for each answer. */
  cpuMs: number | null;
  /** Memory of all of its processes after the load, what they share counted once. */
  residentMb: number;
  /** Of the load generator, in cores. */
  generatorCores: number;
  /** Of everything on the machine that is neither this server nor the load generator, in cores. */
  otherCores: number;
  answers: number;
  /** How many of each kind. */
  failures: Record<string, number>;
}

export interface PeerResult {
  name: string;
  title: string;
  setting: string;
  /** With Pinhole's answers; null for Pinhole itself. */
  agreement: Agreement | null;
  /** Whether these answers are as alike as they have to be. */
  sameWork: boolean;
  /** Medians over the rounds; failures and answers added up. */
  median: PeerSample;
  /** By round. */
  samples: PeerSample[];
}

/** All servers on one network. */
export interface NetworkResult {
  network: string;
  photographs: { name: string; count: number; kilobytes: number };
  connections: number;
  /** In the order in which they were named. */
  peers: PeerResult[];
}

export function medianSample(samples: readonly PeerSample[]): PeerSample {
  const of = (field: "perSecond" | "residentMb" | "generatorCores" | "otherCores") =>
    median(samples.map((sample) => sample[field]));
  const orNull = (field: "p50Ms" | "p99Ms" | "cpuMs") => {
    const values = samples.map((sample) => sample[field]).filter((value) => value !== null);
    return values.length === 0 ? null : median(values);
  };
  const failures: Record<string, number> = {};
  for (const sample of samples) {
    for (const [kind, count] of Object.entries(sample.failures))
      failures[kind] = (failures[kind] ?? 0) + count;
  }
  return {
    perSecond: of("perSecond"),
    p50Ms: orNull("p50Ms"),
    p99Ms: orNull("p99Ms"),
    cpuMs: orNull("cpuMs"),
    residentMb: of("residentMb"),
    generatorCores: of("generatorCores"),
    otherCores: of("otherCores"),
    answers: samples.reduce((sum, { answers }) => sum + answers, 0),
    failures,
  };
}

/** Requests a second of one over those of another: the median of what it was round by round. */
export function rateRatio(over: PeerResult, under: PeerResult): number | null {
  const ratios = over.samples.flatMap(({ perSecond }, round) => {
    const other = under.samples[round]?.perSecond;
    return other ? [perSecond / other] : [];
  });
  return ratios.length === 0 ? null : median(ratios);
}

export function failureTotal(results: readonly NetworkResult[]): number {
  const counts = results.flatMap(({ peers }) =>
    peers.flatMap(({ median }) => Object.values(median.failures)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
