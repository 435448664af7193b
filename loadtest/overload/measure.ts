import { type Percentiles, runK6, type Scenario, type ScenarioFigures } from "./k6-run.ts";
import { readServer, type ServerFigures, ServerWatch } from "./server-figures.ts";

/** How long each part is measured, ms. */
export interface Durations {
  unloadedMs: number;
  /** Each concurrency that is tried. */
  peakMs: number;
  overloadMs: number;
  /** After the overload's end, from when it should be as before. */
  recoveredAfterMs: number;
  recoveredMs: number;
}

export const FULL: Durations = {
  unloadedMs: 15_000,
  peakMs: 6_000,
  overloadMs: 20_000,
  recoveredAfterMs: 2_000,
  recoveredMs: 10_000,
};

/** For the gate: what needs no time to be true. */
export const SHORT: Durations = {
  unloadedMs: 4_000,
  peakMs: 3_000,
  overloadMs: 7_000,
  recoveredAfterMs: 2_000,
  recoveredMs: 3_000,
};

/** So many times more is asked than the server can answer. */
const OVERLOAD = 10;
/** Clients at once that are tried for the peak, for each worker. */
const PEAK_CLIENTS = [1, 1.5, 2, 4];
const SETTLE_MS = 500;

export interface OverloadFigures {
  workers: number;
  unloadedMs: Percentiles;
  /** Requests answered a second at each number of clients; at the best once more after the overload. */
  peaks: { clients: number; perSecond: number }[];
  /** The best: the mean of before and after, for machines are not equally fast all the time. */
  peak: { clients: number; perSecond: number };
  /** Requests a second that were asked. */
  offeredPerSecond: number;
  goodputPerSecond: number;
  overload: ScenarioFigures;
  recovered: ScenarioFigures;
  /** The largest of each while overloaded. */
  server: ServerFigures;
}

/** Measures a server that does not limit clients and caches nothing: alone, at its best, overloaded, and after. */
export async function measure(options: {
  k6: string;
  baseUrl: string;
  operatorToken: string;
  durations: Durations;
}): Promise<OverloadFigures> {
  const { k6, baseUrl, operatorToken, durations } = options;
  const { unloadedMs, peakMs, overloadMs, recoveredAfterMs, recoveredMs } = durations;
  const { workers } = await readServer(baseUrl, operatorToken);
  const clients = [...new Set(PEAK_CLIENTS.map((each) => Math.max(2, Math.ceil(each * workers))))];
  const calm = await runK6(k6, baseUrl, {
    unloaded: { k6: vus(1), startMs: 0, durationMs: unloadedMs },
    ...Object.fromEntries(
      clients.map((count, index): [string, Scenario] => {
        const startMs = unloadedMs + SETTLE_MS + index * (peakMs + SETTLE_MS);
        return [`clients_${count}`, { k6: vus(count), startMs, durationMs: peakMs }];
      }),
    ),
  });
  const peaks = clients.map((count) => ({
    clients: count,
    perSecond: perSecond(calm[`clients_${count}`]!.inTime, peakMs),
  }));
  const before = peaks.reduce((best, next) => (next.perSecond > best.perSecond ? next : best));

  const rate = Math.ceil(OVERLOAD * before.perSecond);
  const recoveryMs = recoveredAfterMs + recoveredMs;
  const watch = new ServerWatch(baseUrl, operatorToken);
  const stormy = await runK6(k6, baseUrl, {
    overload: { k6: arrivals(rate), startMs: 0, durationMs: overloadMs },
    recovered: {
      k6: vus(1),
      startMs: overloadMs,
      durationMs: recoveryMs,
      skipMs: recoveredAfterMs,
    },
    again: {
      k6: vus(before.clients),
      startMs: overloadMs + recoveryMs + SETTLE_MS,
      durationMs: peakMs,
    },
  });
  watch.stop();
  const { overload, recovered, again } = stormy as Record<
    "overload" | "recovered" | "again",
    ScenarioFigures
  >;
  const after = perSecond(again.inTime, peakMs);
  const server = watch.most();
  if (calm.unloaded!.servedMs === null || server === null) throw new Error("The server did not answer.");
  return {
    workers,
    unloadedMs: calm.unloaded!.servedMs,
    peaks: [...peaks, { clients: before.clients, perSecond: after }],
    peak: { clients: before.clients, perSecond: (before.perSecond + after) / 2 },
    offeredPerSecond: perSecond(overload.served + overload.refused + overload.wrong, overloadMs),
    goodputPerSecond: perSecond(overload.inTime, overloadMs),
    overload,
    recovered,
    server,
  };
}

const perSecond = (count: number, ms: number) => (count * 1000) / ms;

const vus = (count: number) => ({ executor: "constant-vus", vus: count, gracefulStop: "30s" });

/** Whoever waits for an answer keeps nobody else from coming. */
const arrivals = (rate: number) => ({
  executor: "constant-arrival-rate",
  rate,
  timeUnit: "1s",
  // As many as wait at once with a queue of a second; more when needed. Each that is idle costs time, too.
  preAllocatedVUs: Math.ceil(rate / 7),
  maxVUs: 2 * rate,
  gracefulStop: "30s",
});
