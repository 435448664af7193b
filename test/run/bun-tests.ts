import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { command, repositoryRoot } from "./command.ts";
import { parseJunit } from "./junit.ts";
import { add, failed, judge, type Outcome } from "./outcome.ts";

export interface BunTestsOptions {
  /** For one test without a limit of its own. */
  testTimeoutMs: number;
  timeoutMs: number;
  env?: Record<string, string | undefined>;
  root?: string;
  output?: "live" | "quiet";
}

/** Runs test files under `bun test` and counts what its JUnit report says. */
export async function bunTests(suite: string, files: string[], options: BunTestsOptions): Promise<Outcome> {
  const root = options.root ?? repositoryRoot();
  const report = join(root, "test/reports", `${suite.replaceAll(/[^\w.-]+/g, "-")}.xml`);
  await mkdir(dirname(report), { recursive: true });
  await rm(report, { force: true });
  const exitCode = await command(
    [
      process.execPath,
      "--no-env-file",
      "test",
      `--timeout=${options.testTimeoutMs}`,
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...files.map((file) => `./${file}`),
    ],
    { ...options, cwd: root },
  );
  const xml = Bun.file(report);
  if (!(await xml.exists())) return failed(`${suite}: wrote no report (exit code ${exitCode})`);
  const { files: seen, ...counted } = parseJunit(await xml.text());
  // A file that fails while it is loaded has no test to report: it stands in no suite.
  const silent = files.filter((file) => !seen.has(file));
  return judge(suite, add(counted, ...silent.map((file) => failed(`${file}: ran no test`))), exitCode);
}
