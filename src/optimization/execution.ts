import type { ImageTensor } from "../inference/image.ts";
import type { Manifest, Model } from "../model-repository/manifest.ts";
import { median, pairedRatio } from "./statistics.ts";
import { inBatches, Stopwatch, variant } from "./stopwatch.ts";

type Execution = NonNullable<Manifest["execution"]>;

/** What was measured of the ways to run a model, and what came of it. */
export interface ExecutionFigures {
  /** By level: milliseconds of the network for one photograph, one thread. */
  graphOptimization: { level: Execution["graph_optimization"]; ms: number }[];
  /** Milliseconds for one photograph among so many at once, one thread. */
  batch: { rows: number; ms: number }[];
  /** Photographs a second with every worker at work. */
  threads: { workers: number; threads: number; perSecond: number }[];
  chosen: { execution: Execution; maxBatch: number };
}

const LEVELS = ["all", "extended", "basic"] as const;
const BATCHES = [1, 2, 4, 8];
/** What is not the usual must be faster by this share at least: it costs latency, or is a surprise to somebody. */
const PAYS = 0.05;
const THREAD_ROUNDS = 4;

/**
 * Tries how a model is best run: how far its graph is optimised at load, how many photographs go through it at once,
 * how many threads a session has.
 * @param cores that workers may use: one worker for each is what the server starts
 * @param fixed rows that the graph insists on, or null
 * @param seconds about how long each of the three takes
 */
export async function measureExecution(
  model: Model,
  images: readonly ImageTensor[],
  { cores, fixed, seconds }: { cores: number; fixed: number | null; seconds: number },
): Promise<ExecutionFigures> {
  const single = inBatches(model, fixed ?? 1);
  const { level, graphOptimization } = await bestLevel(single, images, seconds);
  const optimised = variant(model, level, { execution: { threads: 1, graph_optimization: level } });
  const { maxBatch, batch } =
    fixed === null ? await bestBatch(optimised, images, seconds) : { maxBatch: fixed, batch: [] };
  const threads =
    cores === 1 ? [] : await throughput(inBatches(optimised, fixed ?? 1), images, cores, seconds);
  const [narrow, wide] = threads;
  const many = narrow && wide && wide.perSecond > (1 + PAYS) * narrow.perSecond ? wide.threads : 1;
  const execution = { threads: many, graph_optimization: level };
  return { graphOptimization, batch, threads, chosen: { execution, maxBatch } };
}

async function bestLevel(model: Model, images: readonly ImageTensor[], seconds: number) {
  const variants = LEVELS.map((level) =>
    variant(model, level, { execution: { threads: 1, graph_optimization: level } }),
  );
  await using stopwatch = await Stopwatch.open(variants, images);
  const samples = await stopwatch.interleaved(variants, seconds);
  const gains = samples.map((each) => gain(samples[0]!, each));
  const best = gains.reduce((most, gain, index) => (gain > gains[most]! ? index : most), 0);
  return {
    level: gains[best]! > 1 + PAYS ? LEVELS[best]! : LEVELS[0],
    graphOptimization: LEVELS.map((level, index) => ({ level, ms: median(samples[index]!) })),
  };
}

async function bestBatch(model: Model, images: readonly ImageTensor[], seconds: number) {
  const sizes = BATCHES.map((rows) => inBatches(model, rows));
  await using stopwatch = await Stopwatch.open(sizes, images);
  const samples = await stopwatch.interleaved(sizes, seconds);
  // The smallest that is nearly as good as the best: waiting for more would only cost time.
  const gains = samples.map((each) => gain(samples[0]!, each));
  const most = Math.max(...gains);
  const enough = gains.findIndex((gain) => gain >= most / (1 + PAYS / 2));
  return {
    maxBatch: gains[enough]! > 1 + PAYS ? BATCHES[enough]! : 1,
    batch: BATCHES.map((rows, index) => ({ rows, ms: median(samples[index]!) })),
  };
}

/** How many times as fast, by both ways to look at it: what is real shows in either. */
function gain(usual: readonly number[], other: readonly number[]): number {
  return Math.min(pairedRatio(usual, other), median(usual) / median(other));
}

/** A worker for each core with one thread, then with as many threads as there are cores, then one worker with those. */
async function throughput(model: Model, images: readonly ImageTensor[], cores: number, seconds: number) {
  const ways = [
    { workers: cores, threads: 1 },
    { workers: cores, threads: cores },
    { workers: 1, threads: cores },
  ];
  await using stack = new AsyncDisposableStack();
  const pools: { way: (typeof ways)[number]; each: Model; stopwatch: Stopwatch; perSecond: number[] }[] = [];
  for (const way of ways) {
    const { graph_optimization } = model.manifest.execution!;
    const each = variant(model, `${way.threads}`, {
      execution: { threads: way.threads, graph_optimization },
    });
    const stopwatch = stack.use(await Stopwatch.open([each], images, way.workers));
    pools.push({ way, each, stopwatch, perSecond: [] });
  }
  const part = seconds / ways.length / THREAD_ROUNDS;
  for (let round = 0; round < THREAD_ROUNDS; round++) {
    for (const { each, stopwatch, perSecond } of pools) perSecond.push(await stopwatch.perSecond(each, part));
  }
  // Whatever else the machine does takes from it: the best of them is the truest.
  return pools.map(({ way, perSecond }) => ({ ...way, perSecond: Math.max(...perSecond) }));
}
