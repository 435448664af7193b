import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { command, repositoryRoot } from "./command.ts";
import { parseJunit } from "./junit.ts";
import { failed, judge, type Outcome } from "./outcome.ts";

const RUNNER = new URL("unittest_junit.py", import.meta.url).pathname;

export interface PythonTestsOptions {
  /** The interpreter. */
  python: string;
  /** Where the tests lie, and the packages that they import. */
  folder: string;
  timeoutMs: number;
  output?: "live" | "quiet";
}

/** Runs the unittest tests of a folder, each counted as one. */
export async function pythonTests(suite: string, options: PythonTestsOptions): Promise<Outcome> {
  const report = join(repositoryRoot(), "test/reports", `${suite.replaceAll(/[^\w.-]+/g, "-")}.xml`);
  await mkdir(dirname(report), { recursive: true });
  await rm(report, { force: true });
  const { python, folder, timeoutMs, output } = options;
  const exitCode = await command([python, "-B", RUNNER, report], {
    cwd: folder,
    timeoutMs,
    output,
    env: { PYTHONPATH: folder },
  });
  const xml = Bun.file(report);
  if (!(await xml.exists())) return failed(`${suite}: wrote no report (exit code ${exitCode})`);
  const { files: _, ...counted } = parseJunit(await xml.text());
  return judge(suite, counted, exitCode);
}
