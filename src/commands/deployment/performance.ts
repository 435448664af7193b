import { demand, type Finding, Findings, failed, ok, skipped } from "./finding.ts";
import { photograph } from "./photograph.ts";
import { described, type Probe, type Reply } from "./probe.ts";

const CONCURRENCY = 4;
const DEFAULT_REQUESTS = 10;
/** With fewer a percentile says nothing. */
const LEAST_REQUESTS = 4;

export interface Durations {
  kind: "sequential" | "concurrent";
  requests: number;
  concurrency: number;
  p50Ms: number;
  p95Ms: number;
}

export interface PerformanceOptions {
  seed: number;
  /** Of each kind; null: ten, or fewer where the rate limit leaves fewer and nothing is judged. */
  requests: number | null;
  /** Of the sequential ones; null: not judged. */
  maxP95Ms: number | null;
}

/** How long predictions of photographs take that no cache has seen, as seen from here, network included. */
export async function checkPerformance(
  probe: Probe,
  options: PerformanceOptions,
): Promise<{ findings: Finding[]; durations: Durations[] }> {
  const findings = new Findings("performance");
  const durations: Durations[] = [];
  let seed = options.seed;
  const predict = async (): Promise<number> => {
    const reply = await probe.predict(photograph(seed++), "image/png");
    demand(reply.status === 200, `predict answers ${described(reply)}`);
    return reply.ms;
  };
  const first = await probe.predict(photograph(seed++), "image/png").catch(() => null);
  // What is to be judged is worth waiting for.
  const most = options.maxP95Ms === null ? Math.floor(remaining(first) / 2) : DEFAULT_REQUESTS;
  const requests = options.requests ?? Math.min(DEFAULT_REQUESTS, most);
  for (const [kind, concurrency] of [
    ["sequential", 1],
    ["concurrent", CONCURRENCY],
  ] as const) {
    await findings.check(kind, async () => {
      if (requests < LEAST_REQUESTS)
        return skipped(`the rate limit leaves ${requests} requests; --requests waits for more`);
      const ms: number[] = [];
      let active = 0;
      const loop = async () => {
        while (ms.length + active < requests) {
          active++;
          try {
            ms.push(await predict());
          } finally {
            active--;
          }
        }
      };
      await Promise.all(Array.from({ length: concurrency }, loop));
      const [p50Ms, p95Ms] = [percentile(ms, 0.5), percentile(ms, 0.95)];
      durations.push({ kind, requests: ms.length, concurrency, p50Ms, p95Ms });
      const text = `${ms.length} requests, ${concurrency} at once: p50 ${p50Ms} ms, p95 ${p95Ms} ms`;
      const tooSlow = kind === "sequential" && options.maxP95Ms !== null && p95Ms > options.maxP95Ms;
      return tooSlow ? failed(`${text}, more than ${options.maxP95Ms} ms`) : ok(text);
    });
  }
  return { findings: findings.list, durations };
}

/** Requests that the rate limit leaves; many where there is none. */
function remaining(reply: Reply | null): number {
  const left = reply?.headers.get("x-ratelimit-remaining") ?? null;
  return left === null ? Number.POSITIVE_INFINITY : Number(left);
}

/** By nearest rank, to a tenth of a millisecond. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]! * 10) / 10;
}
