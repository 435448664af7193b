import { LIMITS } from "../thresholds.ts";
import type { Answers } from "./answers.ts";
import type { Chart, Series } from "./chart.ts";
import type { Sample } from "./exposition.ts";
import { bytes, count, ms, rate } from "./figures.ts";
import type { Report } from "./report.ts";

const MIB = 1024 * 1024;

const ENDINGS: [key: keyof Answers, name: string][] = [
  ["ok", "answered"],
  ["limited", "429"],
  ["refused", "503"],
  ["failed", "failed"],
];

/** The stations that take long enough to be seen; all others are one. */
const LONG_STAGES = ["decode", "queue", "preprocess", "infer"];

/** What happened over time: the plots of a report. Those that nobody could measure are left out. */
export function chartsOf(report: Report): Chart[] {
  return [requests(report), latency(report), ...ofServer(report)];
}

function requests({ windows, windowSeconds, seconds }: Report): Chart {
  const offered = windows.map((window) => window.offered);
  return {
    title: "Requests per second, by how they ended",
    kind: "layers",
    seconds: windows.map(({ second }) => second + windowSeconds / 2),
    duration: seconds,
    series: ENDINGS.map(([key, name]) => ({
      name,
      colour: `var(--${key})`,
      values: windows.map(({ answers }) => answers[key] / windowSeconds),
    })),
    format: rate,
    marks: offered.some((value) => value !== null) ? [{ name: "offered", values: offered }] : [],
  };
}

function latency({ windows, windowSeconds, seconds }: Report): Chart {
  const line = (name: string, colour: string, key: "p50Ms" | "p95Ms" | "p99Ms"): Series => ({
    name,
    colour,
    values: windows.map((window) => window.latency?.[key] ?? null),
  });
  return {
    title: "Time of the answered predictions",
    kind: "lines",
    seconds: windows.map(({ second }) => second + windowSeconds / 2),
    duration: seconds,
    series: [
      line("p99", "var(--p99)", "p99Ms"),
      line("p95", "var(--p95)", "p95Ms"),
      line("p50", "var(--p50)", "p50Ms"),
    ],
    format: ms,
    marks: [{ name: `limit of p95, ${LIMITS.p95Ms} ms`, values: LIMITS.p95Ms }],
  };
}

function ofServer({ samples, seconds: duration }: Report): Chart[] {
  if (samples.length < 2) return [];
  const seconds = samples.map(({ second }) => second);
  const line = (name: string, colour: string, value: (sample: Sample) => number): Series => ({
    name,
    colour,
    values: samples.map(value),
  });
  return [
    stages(samples, duration),
    {
      title: "Resident memory of the server",
      kind: "lines",
      seconds,
      duration,
      series: [line("resident", "var(--p95)", ({ residentBytes }) => residentBytes / MIB)],
      format: (mib) => bytes(mib * MIB),
    },
    {
      title: "In the server at once",
      kind: "lines",
      seconds,
      duration,
      series: [
        line("requests admitted", "var(--p95)", ({ admittedRequests }) => admittedRequests),
        line("images decoded or inferred", "var(--preprocess)", ({ inFlightImages }) => inFlightImages),
      ],
      format: count,
    },
    cores(samples, duration),
  ];
}

function cores(samples: readonly Sample[], duration: number): Chart {
  const pairs = samples.slice(1).map((sample, i) => [samples[i]!, sample] as const);
  return {
    title: "Cores that the server keeps busy",
    kind: "lines",
    seconds: pairs.map(([before, after]) => (before.second + after.second) / 2),
    duration,
    series: [
      {
        name: "cores, all threads",
        colour: "var(--p95)",
        values: pairs.map(
          ([before, after]) => (after.cpuSeconds - before.cpuSeconds) / (after.second - before.second),
        ),
      },
    ],
    format: (value) => value.toFixed(2),
  };
}

/** From the server's own sums: what a prediction spent at each station between one reading and the next. */
function stages(samples: readonly Sample[], duration: number): Chart {
  const pairs = samples.slice(1).map((sample, i) => [samples[i]!, sample] as const);
  const names = Object.keys(samples.at(-1)!.stageSeconds);
  const meanMs = (of: readonly string[]) =>
    pairs.map(([before, after]) => {
      const predictions = after.predictions - before.predictions;
      if (predictions <= 0) return 0;
      const spent = of.reduce(
        (sum, name) => sum + (after.stageSeconds[name] ?? 0) - (before.stageSeconds[name] ?? 0),
        0,
      );
      return (spent * 1000) / predictions;
    });
  return {
    title: "Where a prediction spends its time, mean",
    kind: "layers",
    seconds: pairs.map(([before, after]) => (before.second + after.second) / 2),
    duration,
    series: [
      ...LONG_STAGES.map((name) => ({ name, colour: `var(--${name})`, values: meanMs([name]) })),
      {
        name: "the others",
        colour: "var(--others)",
        values: meanMs(names.filter((name) => !LONG_STAGES.includes(name))),
      },
    ],
    format: ms,
  };
}
