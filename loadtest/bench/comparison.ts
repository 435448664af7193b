import { checkOut } from "./checkout.ts";
import { measure, warmUp } from "./measure.ts";
import { type ServableModel, servableModel } from "./models.ts";
import { optimizedModel } from "./optimized.ts";
import type { Options } from "./options.ts";
import type { Photographs } from "./photographs.ts";
import { type Cell, cellKey, cellsOf, type Kind, type ModelName } from "./plan.ts";
import { type CellResult, cellResult, pairedRatio, type Sample } from "./results.ts";
import { preparedPhotographs, terminalProgress } from "./run.ts";
import { type BenchServer, CHECKOUT, startServer } from "./server.ts";
import { digits, ratio } from "./tables.ts";

/** How revisions are compared; networks only by what needs the network. */
const BY_REVISION: readonly Kind[] = ["raw", "multipart", "hits"];
const BY_NETWORK: readonly Kind[] = ["raw"];

/** One cell on both sides. */
export interface Comparison {
  here: CellResult;
  there: CellResult;
  /** CPU there over CPU here: above 1 this checkout is cheaper. */
  cpuRatio: number;
  /** Answers a second here over those there: above 1 this checkout is faster. */
  speedRatio: number;
}

/** One of the two that are compared: which code serves which model. */
interface Served {
  checkout: string;
  model: ServableModel;
}

interface Plan {
  model: ModelName;
  here: Served;
  there: Served;
}

/** Measures this checkout and another revision in turn, round by round, each with its own servers. */
export async function compareRevisions(options: Options, revision: string) {
  await using checkout = await checkOut(CHECKOUT, revision);
  const plans: Plan[] = [];
  for (const name of options.scope.models) {
    const model = await servableModel(name);
    plans.push({
      model: name,
      here: { checkout: CHECKOUT, model },
      there: { checkout: checkout.path, model },
    });
  }
  return compareAll(options, plans, { other: revision, kinds: BY_REVISION });
}

/** Measures the int8 version of each network and the float32 one that it was made of in turn, round by round. */
export async function compareOptimized(options: Options) {
  const plans: Plan[] = [];
  for (const name of options.scope.models) {
    const here = { checkout: CHECKOUT, model: await optimizedModel(name) };
    plans.push({ model: name, here, there: { checkout: CHECKOUT, model: await servableModel(name) } });
  }
  return compareAll(options, plans, { other: "float32", kinds: BY_NETWORK });
}

async function compareAll(
  { scope, rounds }: Options,
  plans: readonly Plan[],
  { other, kinds }: { other: string; kinds: readonly Kind[] },
) {
  const photographs = await preparedPhotographs(scope.photographs);
  const planned = plans.map((plan) => ({
    ...plan,
    cells: cellsOf(plan.model, scope).filter(({ kind }) => kinds.includes(kind)),
  }));
  const progress = terminalProgress(2 * rounds * planned.reduce((sum, { cells }) => sum + cells.length, 0));
  const comparisons: Comparison[] = [];
  for (const { cells, ...plan } of planned) {
    await using stack = new AsyncDisposableStack();
    const side = async ({ checkout, model: { name, modelsDir, folder } }: Served) => {
      const start = async (cache: boolean) =>
        stack.use(await startServer({ checkout, modelsDir, model: name, cache }));
      const [server, cachedServer] = [await start(false), await start(true)];
      return new Side(cells, { server, cachedServer, modelFolder: folder, photographs });
    };
    const [here, there] = [await side(plan.here), await side(plan.there)];
    for (const cell of cells) for (const each of [here, there]) await each.warmUp(cell);
    for (let round = 0; round < rounds; round++) {
      for (const cell of cells) {
        // Whoever goes second finds the machine warmer: they take turns.
        for (const each of round % 2 === 0 ? [here, there] : [there, here]) {
          const where = each === here ? "here" : other;
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

/** One side's servers and what was measured on them. */
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

/** @param names of the two, e.g. "here" and a revision */
export function comparisonRows(
  comparisons: readonly Comparison[],
  [here, there]: readonly [string, string],
): string[][] {
  const headings = [
    "model",
    "photograph",
    "what",
    "conn",
    `CPU ${there} / ${here}`,
    `req/s ${here} / ${there}`,
    `req/s ${here}`,
    `req/s ${there}`,
    `CPU ms ${here}`,
    `CPU ms ${there}`,
    `p99 ms ${here}`,
    `p99 ms ${there}`,
    `MB ${here}`,
    `MB ${there}`,
  ];
  const rows = comparisons.map(({ here, there, cpuRatio, speedRatio }) => [
    here.model,
    here.photograph,
    here.kind,
    String(here.connections),
    ratio(cpuRatio),
    ratio(speedRatio),
    digits(here.median.perSecond, 3),
    digits(there.median.perSecond, 3),
    digits(here.median.cpuMs, 3),
    digits(there.median.cpuMs, 3),
    digits(here.median.p99Ms, 3),
    digits(there.median.p99Ms, 3),
    digits(here.median.residentMb, 3),
    digits(there.median.residentMb, 3),
  ]);
  return [headings, ...rows];
}

/** What a reader wants to know of int8 beside float32: the photograph as the body. */
export function optimizedRows(comparisons: readonly Comparison[]): string[][] {
  const headings = [
    "network",
    "photograph",
    "requests/s, int8 / float32",
    "requests/s, int8",
    "requests/s, float32",
    "CPU ms, int8",
    "CPU ms, float32",
    "p99 ms, int8",
    "p99 ms, float32",
    "MB, int8",
    "MB, float32",
  ];
  const rows = comparisons
    .filter(({ here }) => here.kind === "raw")
    .map(({ here, there, speedRatio }) => [
      here.model,
      here.photograph,
      ratio(speedRatio),
      ...(["perSecond", "cpuMs", "p99Ms", "residentMb"] as const).flatMap((figure) =>
        [here, there].map(({ median }) => digits(median[figure], 3)),
      ),
    ]);
  return [headings, ...rows];
}
