import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireK6 } from "../../test/run/k6-program.ts";

const SCRIPT = new URL("client.js", import.meta.url).pathname;

/** One phase of a client: it asks at this rate, whoever else does. */
export interface Visit {
  phase: string;
  startMs: number;
  durationMs: number;
  perSecond: number;
}

/** What a client was answered in all visits of one phase. */
export interface Answers {
  /** 200, and no fallback. */
  served: number;
  /** 503. */
  refused: number;
  /** Whatever is neither. */
  wrong: number;
  /** Of the served; null where there is none. */
  latencyMs: { med: number; p95: number; p99: number; max: number } | null;
}

/**
 * One client from this address, all its visits in one k6.
 * @param options.skipMs what is asked so soon after the start of a visit does not count
 * @returns by phase
 * @throws Error when it did not get to the end
 */
export async function runClient(options: {
  baseUrl: string;
  address: string;
  visits: readonly Visit[];
  skipMs: number;
  /** Whether it gives way to others on its cores, as one on another machine would. */
  nice?: boolean;
}): Promise<Record<string, Answers>> {
  const { baseUrl, address, visits, skipMs, nice = false } = options;
  const home = await mkdtemp(join(tmpdir(), "pinhole-noisy-"));
  try {
    const summary = join(home, "summary.json");
    const first = nice ? ["nice", "-n", "10"] : [];
    const argv = [
      ...first,
      await requireK6(),
      "run",
      "--quiet",
      "--no-usage-report",
      "--local-ips",
      address,
      SCRIPT,
    ];
    const child = Bun.spawn(argv, {
      env: {
        HOME: home,
        PATH: process.env.PATH,
        // It shares the cores with the server: memory is cheaper here than collecting it.
        GOGC: "400",
        GOMAXPROCS: "1",
        BASE_URL: baseUrl,
        SUMMARY: summary,
        SKIP_MS: String(skipMs),
        PLAN: JSON.stringify(Object.fromEntries(visits.map((visit, at) => [`visit_${at}`, scenario(visit)]))),
      },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    const code = await child.exited;
    if (code !== 0 || !(await Bun.file(summary).exists())) throw new Error(`k6 ended with ${code}`);
    const found = (await Bun.file(summary).json()) as Record<string, Record<string, Values>>;
    return Object.fromEntries(Object.entries(found).map(([phase, values]) => [phase, answers(values)]));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

type Values = Record<string, number> | null;

function scenario({ phase, startMs, durationMs, perSecond }: Visit) {
  return {
    executor: "constant-arrival-rate",
    rate: Math.round(perSecond * 10),
    timeUnit: "10s",
    startTime: `${startMs}ms`,
    duration: `${durationMs}ms`,
    preAllocatedVUs: Math.max(4, Math.ceil(perSecond)),
    maxVUs: Math.max(40, Math.ceil(4 * perSecond)),
    gracefulStop: "10s",
    env: { PHASE: phase },
  };
}

function answers(values: Record<string, Values>): Answers {
  const count = (name: string) => values[name]?.count ?? 0;
  const ms = values.served_ms;
  return {
    served: count("served"),
    refused: count("refused"),
    wrong: count("wrong"),
    latencyMs: ms?.count ? { med: ms.med!, p95: ms["p(95)"]!, p99: ms["p(99)"]!, max: ms.max! } : null,
  };
}
