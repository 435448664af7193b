import { join } from "node:path";
import type { ScenarioName } from "../../loadtest/catalogue.ts";
import type { Report } from "../../loadtest/load/report.ts";
import { runLoad } from "../../loadtest/load/run.ts";
import { hasFailed } from "../../loadtest/load/verdicts.ts";
import { repositoryRoot } from "../run/command.ts";
import { parseK6Summary } from "../run/k6-summary.ts";
import { add, judge, nothing, type Outcome } from "../run/outcome.ts";

/** Those that need little time to show that limits hold: what the cache answers, all behaviours at once, refusals. */
const SCENARIOS = ["cache", "mixed", "spike"] as const satisfies ScenarioName[];
const SECONDS = 7;

/** Runs loadtest/scenarios/smoke.ts against a server of its own: each check and each threshold is one test. */
export async function loadSmoke(k6: string): Promise<Outcome> {
  return (await load(k6, "smoke")).outcome;
}

/** A few scenarios for a few seconds each: what they count, no times. The first finds out what this machine can do. */
export async function loadScenarios(k6: string): Promise<Outcome> {
  let sum: Outcome = { ...nothing };
  let capacity: number | undefined;
  for (const name of SCENARIOS) {
    const { outcome, report } = await load(k6, name, capacity);
    sum = add(sum, outcome);
    capacity = report.capacity ?? undefined;
  }
  return sum;
}

async function load(
  k6: string,
  name: ScenarioName,
  capacity?: number,
): Promise<{ outcome: Outcome; report: Report }> {
  const reportDir = join(repositoryRoot(), "test/reports/load", name);
  const say = (line: string) => console.log(line);
  const report = await runLoad({
    k6,
    name,
    seconds: SECONDS,
    quick: true,
    capacity,
    strict: false,
    reportDir,
    say,
  });
  const summary = await Bun.file(join(reportDir, "k6-summary.json")).text();
  return { outcome: judge(`load ${name}`, parseK6Summary(summary), hasFailed(report) ? 1 : 0), report };
}
