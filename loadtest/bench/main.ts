import { join } from "node:path";
import { withSection } from "../readme-section.ts";
import { compareOptimized, compareRevisions, comparisonRows } from "./comparison.ts";
import { type Machine, machine } from "./machine.ts";
import { optimizedModel } from "./optimized.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { benchSection, optimizedSection } from "./readme.ts";
import { runBench } from "./run.ts";
import { CHECKOUT } from "./server.ts";
import { cellRows, plainTable, promiseLines, summaryRows } from "./tables.ts";

/** `bun run bench`: what serving costs beside what it serves. See README.md beside this file. */

if (import.meta.main) {
  // What is torn down when the process ends must be so, too, when it is told to.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
  process.exit(await main(process.argv.slice(2)));
}

/** @returns exit status: 0 measured, 1 something failed on the way (a request, too), 2 not understood */
export async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  try {
    const about = machine(CHECKOUT, new Date());
    console.error(
      `${about.processor}, ${about.cores} cores, Bun ${about.bun}, ${about.revision ?? "no git"}`,
    );
    if (options.optimized) return await optimized(options, about);
    return options.against === null ? await bench(options, about) : await compare(options, about);
  } catch (error) {
    console.error(`\n${(error as Error).message}`);
    return 1;
  }
}

async function bench(options: Options, about: Machine): Promise<number> {
  const run = await runBench(options);
  const { results, photographs } = run;
  console.log(plainTable(cellRows(results), 3));
  console.log(`\n${plainTable(summaryRows(results, photographs), 2)}`);
  console.log(`\n${promiseLines(results.promises).join("\n")}`);
  if (options.json !== null) {
    const { promises, cells } = results;
    await Bun.write(
      options.json,
      json({ ratio: promises.ratio, machine: about, photographs, promises, cells }),
    );
  }
  if (options.updateReadme && results.failures === 0) {
    const file = Bun.file(join(CHECKOUT, "README.md"));
    await Bun.write(file, withSection(await file.text(), "bench", benchSection(run, about)));
  }
  return failed(results.failures);
}

async function compare(options: Options, about: Machine): Promise<number> {
  const { against, json: file } = options;
  const { comparisons, photographs, failures } = await compareRevisions(options, against!);
  console.log(plainTable(comparisonRows(comparisons, ["here", against!]), 3));
  if (file !== null) {
    const [first] = comparisons;
    await Bun.write(
      file,
      json({ ratio: first?.cpuRatio, against, machine: about, photographs, comparisons }),
    );
  }
  return failed(failures);
}

async function optimized(options: Options, about: Machine): Promise<number> {
  const { comparisons, photographs, failures } = await compareOptimized(options);
  const rows = comparisonRows(comparisons, ["int8", "float32"]);
  console.log(plainTable(rows, 3));
  if (options.json !== null)
    await Bun.write(options.json, json({ machine: about, photographs, comparisons }));
  if (options.updateDocs && failures === 0) {
    const file = Bun.file(join(CHECKOUT, "docs/optimizing.md"));
    await Bun.write(file, withSection(await file.text(), "bench", optimizedSection(comparisons, about)));
    for (const model of options.scope.models) {
      const { figures } = await optimizedModel(model);
      await Bun.write(join(CHECKOUT, `docs/optimizing/${model}.json`), Bun.file(figures));
    }
  }
  return failed(failures);
}

function failed(count: number): number {
  if (count > 0)
    console.error(
      `\n${count} requests failed: the figures are not those of a working server, and stand in no document.`,
    );
  return count > 0 ? 1 : 0;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, (key, part: unknown) => (key === "files" ? undefined : part), 2)}\n`;
}
