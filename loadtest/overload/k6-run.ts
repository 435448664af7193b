import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SCRIPT = new URL("overload.js", import.meta.url).pathname;
/** Addresses that the requests come from: to the server each is a client of its own. Linux has all of 127/8. */
const CLIENT_ADDRESSES = "127.0.1.1-127.0.1.64";
const CPU_INTERVAL_MS = 100;
/** Of /proc/PID/stat: user and kernel time, in hundredths of a second. */
const TICK_SECONDS = 0.01;

export interface Scenario {
  /** As k6 has it: executor, duration, rate and so on. */
  k6: Record<string, unknown>;
  startMs: number;
  durationMs: number;
  /** Answers before this, after the scenario's start, do not count. */
  skipMs?: number;
}

/** What one scenario came to. Times in ms, null where there was no such answer. */
export interface ScenarioFigures {
  /** Answers with 200, and those of them before the scenario's end. */
  served: number;
  inTime: number;
  /** 503. */
  refused: number;
  /** Whatever is neither. */
  wrong: number;
  /** 200 with `fallback: true`. */
  fallback: number;
  /** 503 without Retry-After, or one that is no whole number of seconds. */
  noRetryAfter: number;
  servedMs: Percentiles | null;
  refusedMs: Percentiles | null;
  /** k6's own CPU time while the scenario ran, in cores. */
  generatorCores: number;
}

export interface Percentiles {
  med: number;
  p95: number;
  p99: number;
  max: number;
}

type Values = Record<string, number> | null;

/**
 * Runs the scenarios in one k6.
 * @throws Error when it did not get to the end
 */
export async function runK6(
  k6: string,
  baseUrl: string,
  scenarios: Record<string, Scenario>,
): Promise<Record<string, ScenarioFigures>> {
  const home = await mkdtemp(join(tmpdir(), "pinhole-overload-"));
  try {
    const summary = join(home, "summary.json");
    const options = ["--quiet", "--no-usage-report", "--address", "", "--local-ips", CLIENT_ADDRESSES];
    const child = Bun.spawn([k6, "run", ...options, SCRIPT], {
      env: {
        HOME: home,
        PATH: process.env.PATH,
        // It shares the cores with the server: memory is cheaper here than collecting it.
        GOGC: "1000",
        GOMAXPROCS: "1",
        BASE_URL: baseUrl,
        SUMMARY: summary,
        PLAN: JSON.stringify(planOf(scenarios)),
        SPANS: JSON.stringify(spansOf(scenarios)),
      },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "inherit",
    });
    const cpu = new CpuWatch(child.pid);
    const code = await child.exited;
    cpu.stop();
    if (code !== 0 || !(await Bun.file(summary).exists())) throw new Error(`k6 ended with ${code}`);
    const found = (await Bun.file(summary).json()) as Record<string, Record<string, Values>>;
    return Object.fromEntries(
      Object.entries(scenarios).map(([name, { durationMs }]) => {
        const startedAt = found[name]!.started_at?.value ?? 0;
        return [name, figuresOf(found[name]!, cpu.cores(startedAt, startedAt + durationMs))];
      }),
    );
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function planOf(scenarios: Record<string, Scenario>) {
  return Object.fromEntries(
    Object.entries(scenarios).map(([name, { k6, startMs, durationMs }]) => [
      name,
      { ...k6, env: { SCENARIO: name }, startTime: `${startMs}ms`, duration: `${durationMs}ms` },
    ]),
  );
}

function spansOf(scenarios: Record<string, Scenario>) {
  return Object.fromEntries(
    Object.entries(scenarios).map(([name, { durationMs, skipMs = 0 }]) => [
      name,
      { fromMs: skipMs, untilMs: durationMs },
    ]),
  );
}

function figuresOf(values: Record<string, Values>, generatorCores: number): ScenarioFigures {
  const count = (name: string) => values[name]?.count ?? 0;
  return {
    served: count("served_ms"),
    inTime: count("in_time"),
    refused: count("refused_ms"),
    wrong: count("wrong"),
    fallback: count("fallback"),
    noRetryAfter: count("no_retry_after"),
    servedMs: percentiles(values.served_ms ?? null),
    refusedMs: percentiles(values.refused_ms ?? null),
    generatorCores,
  };
}

function percentiles(values: Values): Percentiles | null {
  if (values === null || !values.count) return null;
  return { med: values.med!, p95: values["p(95)"]!, p99: values["p(99)"]!, max: values.max! };
}

/** How much CPU time a process has used, over time. */
class CpuWatch {
  readonly #samples: { at: number; seconds: number }[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(pid: number) {
    this.#timer = setInterval(() => {
      try {
        // The fields after the command's name, which may hold anything, in parentheses.
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
        const ticks = Number(fields[11]) + Number(fields[12]);
        this.#samples.push({ at: Date.now(), seconds: ticks * TICK_SECONDS });
      } catch {
        // It has ended.
      }
    }, CPU_INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Cores in use on average between two instants, ms since the epoch. */
  cores(from: number, until: number): number {
    const within = this.#samples.filter(({ at }) => at >= from && at <= until);
    const first = within[0];
    const last = within.at(-1);
    if (first === undefined || last === undefined || last.at === first.at) return 0;
    return ((last.seconds - first.seconds) * 1000) / (last.at - first.at);
  }
}
