import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseJunit } from "./junit.ts";
import { add, failed, judge, type Outcome } from "./outcome.ts";

/**
 * Runs a suite that writes a JUnit report, and counts what that says; without one it has failed.
 * @param root whose test/reports/ the report goes to
 * @param run writes the report to the path that it is given; its exit code
 * @param files that must stand in the report: one that fails while it is loaded has no test to report
 */
export async function junitRun(
  suite: string,
  root: string,
  run: (report: string) => Promise<number>,
  files: readonly string[] = [],
): Promise<Outcome> {
  const report = join(root, "test/reports", `${suite.replaceAll(/[^\w.-]+/g, "-")}.xml`);
  await mkdir(dirname(report), { recursive: true });
  await rm(report, { force: true });
  const exitCode = await run(report);
  const xml = Bun.file(report);
  if (!(await xml.exists())) return failed(`${suite}: wrote no report (exit code ${exitCode})`);
  const { files: seen, ...counted } = parseJunit(await xml.text());
  const silent = files.filter((file) => !seen.has(file));
  return judge(suite, add(counted, ...silent.map((file) => failed(`${file}: ran no test`))), exitCode);
}
