import { checkOut } from "./checkout.ts";
import { measure, warmUp } from "./measure.ts";
import { servableModel } from "./models.ts";
import type { Options } from "./options.ts";
import type { Photographs } from "./photographs.ts";
import { type Cell, cellKey, cellsOf } from "./plan.ts";
import { type CellResult, cellResult, pairedRatio, type Sample } from "./results.ts";
import { preparedPhotographs, terminalProgress } from "./run.ts";
import { type BenchServer, CHECKOUT, startServer } from "./server.ts";
import { digits, ratio } from "./tables.ts";

/** One cell on both sides. */
export interface Comparison {
  here: CellResult;
  there: CellResult;
  /** CPU there over CPU here: above 1 this checkout is cheaper. */
  cpuRatio: number;
  /** Answers a second here over those there: above 1 this checkout is faster. */
  speedRatio: number;
}

/** Measures this checkout and another revision in turn, round by round, each with its own servers. */
export async function compareRevisions({ scope, rounds }: Options, revision: string) {
  const photographs = await preparedPhotographs(scope.photographs);
  await using checkout = await checkOut(CHECKOUT, revision);
  const plans = scope.models.map((model) => ({
    model,
    cells: cellsOf(model, scope).filter(
      ({ kind }) => kind === "raw" || kind === "multipart" || kind === "hits",
    ),
  }));
  const progress = terminalProgress(2 * rounds * plans.reduce((sum, { cells }) => sum + cells.length, 0));
  const comparisons: Comparison[] = [];
  for (const { model, cells } of plans) {
    const { modelsDir, folder } = await servableModel(model);
    await using stack = new AsyncDisposableStack();
    const start = async (path: string, cache: boolean) =>
      stack.use(await startServer({ checkout: path, modelsDir, model, cache }));
    const side = async (path: string) => {
      const [server, cachedServer] = [await start(path, false), await start(path, true)];
      return new Side(cells, { server, cachedServer, modelFolder: folder, photographs });
    };
    const [here, there] = [await side(CHECKOUT), await side(checkout.path)];
    for (const cell of cells) for (const each of [here, there]) await each.warmUp(cell);
    for (let round = 0; round < rounds; round++) {
      for (const cell of cells) {
        // Whoever goes second finds the machine warmer: they take turns.
        for (const each of round % 2 === 0 ? [here, there] : [there, here]) {
          const where = each === here ? "here" : revision;
          progress.measuring(`round ${round + 1}/${rounds}: ${cellKey(cell)} ${where}`);
          await each.measure(cell);
          progress.measured();
        }
      }
    }
    comparisons.push(...cells.map((cell) => compared(here.result(cell), there.result(cell))));
  }
  progress.end();
  const counts = comparisons.flatMap(({ here, there }) => [here, there].map(({ median }) => median.failures));
  const failures = counts.flatMap((kinds) => Object.values(kinds)).reduce((sum, count) => sum + count, 0);
  return { comparisons, photographs, failures };
}

/** One revision's servers and what was measured on them. */
class Side {
  readonly #samples: Map<string, Sample[]>;
  readonly #bench: Parameters<typeof measure>[1];

  constructor(
    cells: readonly Cell[],
    about: {
      server: BenchServer;
      cachedServer: BenchServer;
      modelFolder: string;
      photographs: readonly Photographs[];
    },
  ) {
    this.#samples = new Map(cells.map((cell) => [cellKey(cell), []]));
    const photographs = new Map(about.photographs.map((kind) => [kind.name, kind]));
    this.#bench = { ...about, photographs, loops: 0, capacity: () => Number.NaN };
  }

  warmUp(cell: Cell): Promise<void> {
    return warmUp(cell, this.#bench);
  }

  async measure(cell: Cell): Promise<void> {
    this.#samples.get(cellKey(cell))!.push(await measure(cell, this.#bench));
  }

  result(cell: Cell): CellResult {
    return cellResult(cell, this.#samples.get(cellKey(cell))!);
  }
}

function compared(here: CellResult, there: CellResult): Comparison {
  return {
    here,
    there,
    cpuRatio: pairedRatio(there, here, ({ cpuMs }) => cpuMs)!,
    speedRatio: pairedRatio(here, there, ({ perSecond }) => perSecond)!,
  };
}

export function comparisonRows(comparisons: readonly Comparison[], revision: string): string[][] {
  const headings = [
    "model",
    "photograph",
    "what",
    "conn",
    `CPU ${revision} / here`,
    "req/s here / there",
    "CPU ms here",
    "CPU ms there",
    "p99 ms here",
    "p99 ms there",
    "MB here",
    "MB there",
  ];
  const rows = comparisons.map(({ here, there, cpuRatio, speedRatio }) => [
    here.model,
    here.photograph,
    here.kind,
    String(here.connections),
    ratio(cpuRatio),
    ratio(speedRatio),
    digits(here.median.cpuMs, 3),
    digits(there.median.cpuMs, 3),
    digits(here.median.p99Ms, 3),
    digits(there.median.p99Ms, 3),
    digits(here.median.residentMb, 3),
    digits(there.median.residentMb, 3),
  ]);
  return [headings, ...rows];
}
