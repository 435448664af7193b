import { command, repositoryRoot } from "./command.ts";
import { junitRun } from "./junit-run.ts";
import type { Outcome } from "./outcome.ts";

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
export function pythonTests(suite: string, options: PythonTestsOptions): Promise<Outcome> {
  const { python, folder, timeoutMs, output } = options;
  const env = { PYTHONPATH: folder };
  return junitRun(suite, repositoryRoot(), (report) =>
    command([python, "-B", RUNNER, report], { cwd: folder, timeoutMs, output, env }),
  );
}
