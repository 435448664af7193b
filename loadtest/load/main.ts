import { join } from "node:path";
import { k6Program } from "../../test/run/k6-program.ts";
import { isScenario, SCENARIOS } from "../catalogue.ts";
import { type Arguments, parseArguments, UsageError } from "./arguments.ts";
import { DRIVERS, driverOf } from "./drivers.ts";
import { K6Error } from "./k6-run.ts";
import { merged, readReport } from "./merge.ts";
import type { Report } from "./report.ts";
import { defaultReportDir, runLoad, writeReport } from "./run.ts";
import { foreignTarget } from "./target.ts";
import { textOf } from "./terminal.ts";
import { hasFailed } from "./verdicts.ts";

/** `bun run load <scenario>`. Ends with 0; 1 where a threshold failed; 2 where nothing could be run. */
process.exitCode = await main(process.argv.slice(2)).catch((thrown: unknown) => {
  if (!(thrown instanceof UsageError || thrown instanceof K6Error)) throw thrown;
  console.error(thrown.message);
  return 2;
});

async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 0 || ["--help", "-h", "help"].includes(argv[0]!)) {
    console.log(listOfScenarios());
    return 0;
  }
  const driver = driverOf(argv[0]!);
  if (driver !== null) {
    // Their word for a run of a minute at most.
    const words = argv.slice(1).map((word) => (word === "--quick" ? "--short" : word));
    const command = [process.execPath, "--no-env-file", driver, ...words];
    return await Bun.spawn(command, { stdio: ["inherit", "inherit", "inherit"] }).exited;
  }
  const args = parseArguments(argv);
  if (args.scenario === undefined) throw new UsageError(`which scenario?\n\n${listOfScenarios()}`);
  const report = args.scenario === "merge" ? await merge(args) : await run(args, args.scenario);
  return hasFailed(report) ? 1 : 0;
}

async function run(args: Arguments, name: string): Promise<Report> {
  if (!isScenario(name)) throw new UsageError(`there is no scenario ${name}\n\n${listOfScenarios()}`);
  if (args.rest.length > 0) throw new UsageError(`one scenario at a time: what is ${args.rest.join(" ")}?`);
  const k6 = await k6Program();
  if (typeof k6 !== "string") throw new UsageError(`${k6.what} is missing. How to get it: ${k6.howToGet}`);
  const reportDir = args.reportDir ?? defaultReportDir(name, new Date());
  const target =
    args.url === undefined
      ? undefined
      : await foreignTarget(args.url, process.env.PINHOLE_OPERATOR_TOKEN || undefined);
  const { seconds, quick, capacity, segment, strict } = args;
  const say = (line: string) => console.log(line);
  const report = await runLoad({
    k6,
    name,
    target,
    seconds,
    quick,
    capacity,
    segment,
    strict,
    reportDir,
    say,
  });
  return shown(report, reportDir);
}

/** Reports of several machines, made into one. */
async function merge({ rest, reportDir }: Arguments): Promise<Report> {
  if (rest.length < 2) throw new UsageError("merge wants the folders of at least two reports");
  const folder = reportDir ?? defaultReportDir("merged", new Date());
  const report = merged(await Promise.all(rest.map(readReport)));
  await writeReport(report, folder);
  return shown(report, folder);
}

function shown(report: Report, folder: string): Report {
  console.log(textOf(report));
  console.log(`${join(folder, "report.html")}\n${join(folder, "report.json")}`);
  return report;
}

function listOfScenarios(): string {
  const questions = [
    ...Object.entries(SCENARIOS).map(([name, { question }]) => [name, question] as const),
    ...Object.entries(DRIVERS).filter(([name]) => driverOf(name) !== null),
  ];
  const width = Math.max(...questions.map(([name]) => name.length));
  return [
    "bun run load <scenario> [--url URL] [--duration 5m] [--quick] [--report DIR] [--capacity N] [--strict]",
    "",
    ...questions.map(([name, question]) => `  ${name.padEnd(width)}  ${question}`),
  ].join("\n");
}
