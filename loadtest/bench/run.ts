import { availableParallelism } from "node:os";
import { mustAgree } from "./agreement.ts";
import { servableModel } from "./models.ts";
import type { Options } from "./options.ts";
import { type Photographs, photographs } from "./photographs.ts";
import { cellsOf } from "./plan.ts";
import { Progress } from "./progress.ts";
import { type CellResult, Results } from "./results.ts";
import { runRounds } from "./rounds.ts";
import { CHECKOUT, startServer } from "./server.ts";

/** What it was measured with, and what came of it. */
export interface BenchRun {
  photographs: readonly Photographs[];
  results: Results;
}

/** Measures what the options say, model by model, each with servers of its own. */
export async function runBench({ scope, rounds, budgetSeconds }: Options): Promise<BenchRun> {
  const kinds = await preparedPhotographs(scope.photographs);
  const plans = scope.models.map((model) => ({ model, cells: cellsOf(model, scope) }));
  const progress = terminalProgress(rounds * plans.reduce((sum, { cells }) => sum + cells.length, 0));
  const measured: CellResult[] = [];
  for (const { model, cells } of plans) {
    progress.note(`starting servers for ${model}`);
    const { modelsDir, folder } = await servableModel(model);
    const about = { checkout: CHECKOUT, modelsDir, model };
    await using server = await startServer({ ...about, cache: false });
    await using cachedServer = await startServer({ ...about, cache: true });
    await mustAgree(
      server.url,
      folder,
      kinds.map(({ files }) => files[0]!),
    );
    const bench = {
      modelFolder: folder,
      server,
      cachedServer,
      photographs: new Map(kinds.map((kind) => [kind.name, kind])),
      loops: availableParallelism(),
    };
    const endsAt = budgetSeconds === null ? null : performance.now() + budgetSeconds * 1000;
    measured.push(...(await runRounds(cells, bench, { rounds, endsAt, progress })));
  }
  progress.end();
  return { photographs: kinds, results: new Results(measured) };
}

export async function preparedPhotographs(names: readonly Photographs["name"][]): Promise<Photographs[]> {
  const kinds: Photographs[] = [];
  for (const name of names) kinds.push(await photographs(name));
  for (const { name, files, kilobytes } of kinds) {
    console.error(`${name}: ${files.length} different ones, ${kilobytes.toFixed(1)} kB on average`);
  }
  return kinds;
}

export function terminalProgress(measurements: number): Progress {
  return new Progress(measurements, {
    write: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    now: () => performance.now(),
  });
}
