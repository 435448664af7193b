import { createHash } from "node:crypto";
import { copyFile, mkdir } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { tryExclusiveLock } from "../../db/exclusive-lock.ts";
import { systemClock } from "../clock.ts";
import { photographSettings } from "../composition/image-limits.ts";
import { cacheFolder, loadConfig } from "../config.ts";
import { usableCores } from "../cores.ts";
import { Progress } from "../evaluation/progress.ts";
import { type Model, VERSION_PATTERN } from "../model-repository/manifest.ts";
import { ModelRepository } from "../model-repository/repository.ts";
import { optimizationText } from "../optimization/card.ts";
import { Course } from "../optimization/course.ts";
import { graphEnvironment } from "../optimization/environment.ts";
import { gather } from "../optimization/gather.ts";
import type { GraphSteps } from "../optimization/graph-steps.ts";
import { runGraphStep } from "../optimization/graph-tool.ts";
import { type Outcome, optimize } from "../optimization/optimize.ts";
import { commandLine, type OptimizeOptions, parseOptions, USAGE } from "../optimization/options.ts";
import { publish, writeVersion } from "../optimization/publish.ts";
import type { OptimizationReport } from "../optimization/report.ts";
import { split } from "../optimization/split.ts";
import { summary } from "../optimization/summary.ts";
import { becomesNewest, optimisedVersion, VersionError } from "../optimization/version.ts";
import { MODEL_FILE, versionFiles } from "../optimization/version-files.ts";
import type { Config } from "../settings.ts";
import { reason } from "./models-verify.ts";

/** `bun run models:optimize`: makes a faster version of a model beside it, where that is worth it. */

/** Another number where kept steps would not fit those to come. */
const EDITION = 1;
const FULL = /the disk is full/i;

if (import.meta.main) {
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => abort.abort(new Error("It was told to stop.")));
  process.exit(await main(process.argv.slice(2), abort.signal));
}

/** @returns exit status: 0 written, 1 refused or failed and nothing written, 2 not understood */
export async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  let options: OptimizeOptions;
  let config: Config;
  try {
    options = parseOptions(args);
    config = loadConfig();
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n\n${USAGE}`);
    return 2;
  }
  let report: OptimizationReport;
  try {
    const modelsDir = options.modelsDir ?? config.modelsDir;
    report = await run({ ...options, modelsDir }, config, commandLine(args), signal);
  } catch (thrown) {
    console.error(`Nothing was written. ${sentence(signal.aborted ? signal.reason : thrown)}`);
    return 1;
  }
  try {
    await writeFigures(options, report);
  } catch (thrown) {
    console.error(`The figures could not be written. ${sentence(thrown)}`);
    return 1;
  }
  return report.written ? 0 : 1;
}

async function run(
  options: OptimizeOptions & { modelsDir: string },
  config: Config,
  command: string,
  signal: AbortSignal,
): Promise<OptimizationReport> {
  const { modelsDir, images, seed, subject, verify, labelled, goal, seconds } = options;
  const repository = await ModelRepository.open(modelsDir, { defaultModel: options.ref });
  const source = repository.defaultModel;
  const { name } = source.manifest;
  const taken = repository.versions(name).map(({ manifest }) => manifest.version);
  const version = chosenVersion(options, source, taken);
  const settings = photographSettings(config);
  say(`reading the photographs in ${images}`);
  const { candidates, refused } = await gather(images, settings.limits);
  for (const each of refused) say(`left out: ${each}`);
  const parts = split(candidates, { seed, byFolder: labelled, subject, verify });

  const progress = new Progress(systemClock, (line) => say(`  ${line}`));
  const cacheDir = cacheFolder();
  const environment = await graphEnvironment({
    cacheDir,
    // Two or three long pieces: each is said when it begins.
    onProgress: (_done, _of, what) => say(what),
    signal,
  });
  const { json: _, markdown: __, modelsDir: ___, subject: ____, ...asked } = options;
  const identity = [EDITION, environment.digest, source.digest, version, parts, candidates, asked];
  const key = createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 16);
  const folder = join(cacheDir, "optimizing", key);
  await mkdir(folder, { recursive: true });
  using lock = tryExclusiveLock(join(folder, "lock"));
  if (lock === null) throw new Error(`The same work is being done by another process, in ${folder}.`);
  const course = await Course.open(folder, { signal, progress, say });
  const graph: GraphSteps = (step, job, tell) =>
    runGraphStep(environment.python, step, job, {
      workDir: folder,
      onProgress: (done, of, what) => tell(done, of, what),
      signal,
    });
  const photographs = { directory: images, settings, workers: config.workerCount || usableCores() };
  const demands = { goal, minAgreement: options.minAgreement, minSpeedup: options.minSpeedup };
  try {
    const request = { source, version, parts, labelled, demands, photographs, seconds, graph, course };
    const outcome = await optimize(request);
    const report = completed(outcome, command);
    const newest = becomesNewest(version, taken);
    const written = report.written
      ? {
          folder: await write(outcome.model, source, report, { work: folder, key, modelsDir }),
          isNewest: newest,
        }
      : null;
    await course.end();
    console.log(summary(report, written));
    return report;
  } catch (thrown) {
    // What is kept to go on with would keep the disk full.
    if (isDiskFull(thrown) || !(await course.isBegun())) await course.end();
    else say(`The same command goes on where this one stopped. What it has done so far lies in ${folder}.`);
    throw thrown;
  }
}

function chosenVersion({ version, goal }: OptimizeOptions, source: Model, taken: readonly string[]): string {
  if (version === null) return optimisedVersion(source.manifest.version, goal, taken);
  if (!new RegExp(VERSION_PATTERN).test(version))
    throw new VersionError(`--version ${version} is not a version such as 1.0.0.`);
  if (taken.includes(version)) throw new VersionError(`${source.manifest.name}/${version} is there already.`);
  return version;
}

function completed({ report }: Outcome, command: string): OptimizationReport {
  const processor = cpus()[0]?.model.trim() ?? "unknown";
  const at = new Date(systemClock.wall()).toISOString();
  const machine = { processor, cores: usableCores(), bun: Bun.version, at };
  return { ...report, written: report.refusals.length === 0, machine, command };
}

/** @returns the folder of the new version */
async function write(
  model: Model,
  source: Model,
  report: OptimizationReport,
  { work, key, modelsDir }: { work: string; key: string; modelsDir: string },
): Promise<string> {
  const folder = join(work, "version");
  await mkdir(folder, { recursive: true });
  await copyFile(model.path, join(folder, MODEL_FILE));
  const { manifest } = await writeVersion(folder, await versionFiles(model, source, report));
  return publish(folder, { modelsDir, name: manifest.name, version: manifest.version }, key);
}

async function writeFigures({ json, markdown }: OptimizeOptions, report: OptimizationReport): Promise<void> {
  if (json !== null) await Bun.write(json, `${JSON.stringify(report, null, 2)}\n`);
  if (markdown !== null) await Bun.write(markdown, `${optimizationText(report)}\n`);
}

function sentence(thrown: unknown): string {
  const text = reason(thrown);
  return !isDiskFull(thrown) || FULL.test(text) ? text : `The disk is full: ${text}`;
}

/** As file system, database and graph work say it. */
function isDiskFull(thrown: unknown): boolean {
  const { code, message } = thrown as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "SQLITE_FULL" || FULL.test(message);
}

function say(line: string): void {
  console.error(line);
}
