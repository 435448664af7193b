import { mkdir } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { repositoryRoot } from "../../test/run/command.ts";
import { SCENARIOS, type Scenario, type ScenarioName } from "../catalogue.ts";
import type { Segment } from "./arguments.ts";
import { duration, rate } from "./figures.ts";
import { runK6 } from "./k6-run.ts";
import { countOf } from "./k6-summary.ts";
import { htmlOf } from "./page.ts";
import { type Report, type RunFacts, reportOf } from "./report.ts";
import { Sampling } from "./sampling.ts";
import { ownTarget, type Target } from "./target.ts";

export interface LoadOptions {
  k6: string;
  name: ScenarioName;
  /** By default a server of our own. */
  target?: Target | undefined;
  /** By default the scenario's own time, or its quick one. */
  seconds?: number | undefined;
  quick: boolean;
  /** By default measured first, where the scenario needs it. */
  capacity?: number | undefined;
  segment?: Segment | undefined;
  strict: boolean;
  reportDir: string;
  /** Told how it goes. */
  say(line: string): void;
}

const CALIBRATION_SECONDS = { full: 10, quick: 3 };
/** Enough to see a shape, and few enough that k6 does not notice. */
const WINDOWS = 48;
const WINDOW_LEAST_SECONDS = 0.5;

/** Runs one scenario and writes `k6-summary.json`, `report.json` and `report.html` into the folder. */
export async function runLoad(options: LoadOptions): Promise<Report> {
  const { name, quick, say } = options;
  const scenario: Scenario = SCENARIOS[name];
  await mkdir(options.reportDir, { recursive: true });
  await using target = options.target ?? (await ownTarget(scenario.settings));
  const settings = Object.entries(target.settings ?? {}).map(([key, value]) => `${key}=${value}`);
  say(`server   ${target.url}${settings.length > 0 ? `, its own: ${settings.join(" ")}` : ""}`);
  if (target.operatorToken === null)
    say("         its /metrics are closed to us: PINHOLE_OPERATOR_TOKEN, here too, opens them");
  const capacity =
    scenario.profile === null ? null : (options.capacity ?? (await calibrate(options, target)));
  const seconds = options.seconds ?? (quick ? scenario.quickSeconds : scenario.seconds);
  // Where clients wait for their answers, nobody knows beforehand how long it takes.
  const windows =
    scenario.profile === null
      ? 1
      : Math.max(1, Math.min(WINDOWS, Math.floor(seconds / WINDOW_LEAST_SECONDS)));
  const share = options.segment === undefined ? 1 : 1 / options.segment.parts;
  const facts: RunFacts = {
    name,
    scenario,
    startedAt: new Date().toISOString(),
    seconds,
    windows,
    target: { url: target.url, settings: target.settings },
    generator: generatorOf(options),
    capacity,
    share,
    strict: options.strict,
  };
  const forHowLong = scenario.profile === null ? "" : ` for ${duration(seconds)}`;
  say(`${name}${forHowLong}: ${scenario.question}`);
  const sampling = new Sampling(target, seconds, say);
  const summary = await runK6({
    k6: options.k6,
    script: name,
    seconds,
    summaryPath: join(options.reportDir, "k6-summary.json"),
    segment: options.segment,
    env: {
      BASE_URL: target.url,
      ...(target.operatorToken === null ? {} : { OPERATOR_TOKEN: target.operatorToken }),
      ...(capacity === null ? {} : { CAPACITY: String(capacity) }),
      WINDOWS: String(windows),
      SHARE: String(share),
      STRICT: options.strict ? "1" : "0",
    },
  }).finally(() => sampling.stop());
  const report = reportOf(facts, summary, sampling.since(summary.metrics.started_at_ms?.min ?? 0));
  await writeReport(report, options.reportDir);
  return report;
}

export async function writeReport(report: Report, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await Bun.write(join(folder, "report.json"), `${JSON.stringify(report, null, 2)}\n`);
  await Bun.write(join(folder, "report.html"), htmlOf(report));
}

/** Sixteen clients that ask again as soon as they have their answer; the first run also warms the server up. */
async function calibrate({ k6, quick, reportDir, say }: LoadOptions, target: Target): Promise<number> {
  const seconds = quick ? CALIBRATION_SECONDS.quick : CALIBRATION_SECONDS.full;
  const run = (seconds: number) =>
    runK6({
      k6,
      script: "calibration",
      seconds,
      summaryPath: join(reportDir, "k6-calibration.json"),
      env: { BASE_URL: target.url },
    });
  await run(Math.ceil(seconds / 3));
  const summary = await run(seconds);
  const capacity = countOf(summary, "answers_ok") / seconds;
  if (capacity === 0) throw new Error(`the server at ${target.url} answered nothing while it was calibrated`);
  say(
    `capacity ${rate(capacity)} predictions/s with 16 clients for ${seconds} s, this load generator beside it`,
  );
  return capacity;
}

function generatorOf({ k6, segment }: LoadOptions): string {
  const version = /k6 v\S+/.exec(Bun.spawnSync([k6, "version"]).stdout.toString())?.[0] ?? "k6";
  const processors = cpus();
  const part = segment === undefined ? "" : `, part ${segment.part} of ${segment.parts}`;
  return `${version} on ${processors.length} x ${processors[0]?.model.trim() ?? "?"}${part}`;
}

/** Where a report goes that nobody gave a folder. */
export function defaultReportDir(name: string, now: Date): string {
  const stamp = now.toISOString().slice(0, 19).replaceAll(":", "");
  return join(repositoryRoot(), "loadtest/reports", `${name}-${stamp}`);
}
