import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { command, repositoryRoot } from "../run/command.ts";
import { parseK6Summary } from "../run/k6-summary.ts";
import { failed, judge, type Outcome } from "../run/outcome.ts";
import { startServer } from "./server.ts";

/** Runs loadtest/smoke.js against a server of its own: each check and each threshold is one test. */
export async function loadSmoke(k6: string): Promise<Outcome> {
  await using server = await startServer({ PINHOLE_RATE_LIMIT_REQUESTS: "1000" });
  const summary = join(repositoryRoot(), "test/reports/k6-smoke.json");
  await mkdir(join(repositoryRoot(), "test/reports"), { recursive: true });
  await rm(summary, { force: true });
  const argv = [k6, "run", "--quiet", "--summary-export", summary, "--no-usage-report", "loadtest/smoke.js"];
  const code = await command(argv, { timeoutMs: 120_000, env: { BASE_URL: server.url } });
  if (!(await Bun.file(summary).exists()))
    return failed(`load smoke: k6 wrote no summary (exit code ${code})`);
  return judge("load smoke", parseK6Summary(await Bun.file(summary).text()), code);
}
