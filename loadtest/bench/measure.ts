import { runBare } from "./bare/bare.ts";
import { failureCount, type LoadJob, type LoadResult, runLoad } from "./generator/job.ts";
import type { Photographs } from "./photographs.ts";
import type { Cell } from "./plan.ts";
import type { Sample } from "./results.ts";
import type { BenchServer } from "./server.ts";

/** What one model is measured on. */
export interface Bench {
  /** Of the version of the model, with its manifest. */
  modelFolder: string;
  /** With the cache off. */
  server: BenchServer;
  cachedServer: BenchServer;
  photographs: ReadonlyMap<string, Photographs>;
  /** Bare loops at once: one for each core, as the server has workers. */
  loops: number;
  /** Answers a second that `steady` takes 80% of. */
  capacity(cell: Cell): number;
}

/** Photographs that the cache is asked for: few, so that it has seen all of them soon. */
const HIT_PHOTOGRAPHS = 16;
/** After so many thousand requests the cache's path is compiled. */
const HITS_WARM_UP_SECONDS = 1.5;
const STEADY_SHARE = 0.8;
const LIVE_RATE = 100;
const PREDICT = "/api/v1/predict";

export async function measure(cell: Cell, bench: Bench): Promise<Sample> {
  const { files } = bench.photographs.get(cell.photograph)!;
  switch (cell.kind) {
    case "bare":
      return measureBare(cell, bench, files);
    case "live":
      return measureLive(cell, bench, files);
    case "hits":
      return measureServer(bench.cachedServer, loadJob(cell, bench.cachedServer, hitFiles(files)));
    case "steady": {
      const rate = STEADY_SHARE * bench.capacity(cell);
      return measureServer(bench.server, { ...loadJob(cell, bench.server, files), rate });
    }
    default:
      return measureServer(bench.server, loadJob(cell, bench.server, files));
  }
}

/** Runs everything that a cell will ask for until it is compiled, and fills the cache. */
export async function warmUp(cell: Cell, bench: Bench): Promise<void> {
  const { files } = bench.photographs.get(cell.photograph)!;
  if (cell.kind === "hits") {
    const job = { ...loadJob(cell, bench.cachedServer, hitFiles(files)), connections: HIT_PHOTOGRAPHS };
    await runLoad({ ...job, seconds: HITS_WARM_UP_SECONDS });
  } else if (cell.kind === "raw" || cell.kind === "multipart") {
    await runLoad({ ...loadJob(cell, bench.server, files), seconds: cell.seconds });
  }
}

function hitFiles(files: readonly string[]): readonly string[] {
  return files.slice(0, HIT_PHOTOGRAPHS);
}

function loadJob(cell: Cell, { url }: BenchServer, files: readonly string[]): LoadJob {
  const formField = cell.kind === "multipart" ? "file" : null;
  return {
    url: `${url}${PREDICT}`,
    bodies: { files, contentType: "image/jpeg", formField },
    connections: cell.connections,
    seconds: cell.seconds,
    rate: null,
  };
}

async function measureBare({ seconds }: Cell, bench: Bench, files: readonly string[]): Promise<Sample> {
  const figures = await runBare({ folder: bench.modelFolder, files, seconds }, bench.loops);
  return {
    cpuMs: figures.cpuMsPerImage,
    perSecond: figures.imagesPerSecond,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
    residentMb: null,
    generatorCores: null,
    answers: figures.images,
    failures: {},
  };
}

async function measureServer(server: BenchServer, job: LoadJob): Promise<Sample> {
  const before = server.usage();
  const result = await runLoad(job);
  const after = server.usage();
  const cpuMs = (after.cpuMs - before.cpuMs) / (result.answers + failureCount(result));
  return sampleOf(result, { cpuMs, residentMb: after.residentBytes / 1e6 });
}

/** The figures are those of `/health/live`; the CPU time is that of the load beside it. */
async function measureLive(cell: Cell, bench: Bench, files: readonly string[]): Promise<Sample> {
  const probe = { url: `${bench.server.url}/health/live`, bodies: null, connections: 4, rate: LIVE_RATE };
  const [load, live] = await Promise.all([
    measureServer(bench.server, loadJob(cell, bench.server, files)),
    // Begins after the load and ends before it.
    Bun.sleep(250).then(() => runLoad({ ...probe, seconds: Math.max(0.1, cell.seconds - 0.5) })),
  ]);
  const sample = sampleOf(live, { cpuMs: load.cpuMs, residentMb: load.residentMb });
  return { ...sample, failures: { ...load.failures, ...live.failures } };
}

function sampleOf(result: LoadResult, usage: { cpuMs: number; residentMb: number | null }): Sample {
  return {
    ...usage,
    perSecond: result.answersPerSecond,
    p50Ms: result.p50Ms,
    p95Ms: result.p95Ms,
    p99Ms: result.p99Ms,
    generatorCores: result.generatorCores,
    answers: result.answers,
    failures: result.failures,
  };
}
