import { command, repositoryRoot } from "./command.ts";
import { junitRun } from "./junit-run.ts";
import type { Outcome } from "./outcome.ts";

export interface BunTestsOptions {
  /** For one test without a limit of its own. */
  testTimeoutMs: number;
  timeoutMs: number;
  env?: Record<string, string | undefined>;
  root?: string;
  output?: "live" | "quiet";
}

/** Runs test files under `bun test` and counts what its JUnit report says. */
export function bunTests(suite: string, files: string[], options: BunTestsOptions): Promise<Outcome> {
  const root = options.root ?? repositoryRoot();
  const run = (report: string) =>
    command(
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
  return junitRun(suite, root, run, files);
}
