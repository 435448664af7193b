import { BareLoop } from "./loop.ts";

/**
 * One bare loop: a `BareJob` as a line of JSON on stdin; `ready` on stdout once everything is warm, then, at the
 * next line on stdin, the loop, and its `BareResult` as JSON on stdout.
 */

export interface BareJob {
  /** Of one version of a model. */
  folder: string;
  files: readonly string[];
  /** Where in the files this loop begins: no two read the same one at a time. */
  first: number;
  seconds: number;
}

export interface BareResult {
  images: number;
  cpuMs: number;
  seconds: number;
}

const WARM_UPS = 12;

if (import.meta.main) {
  const lines = console[Symbol.asyncIterator]();
  const job = JSON.parse((await lines.next()).value as string) as BareJob;
  const loop = await BareLoop.open(job.folder);
  const jpegs = await Promise.all(job.files.map((file) => Bun.file(file).bytes()));
  for (let i = 0; i < WARM_UPS; i++) await loop.judge(jpegs[i % jpegs.length]!);
  console.log("ready");
  await lines.next();
  console.log(JSON.stringify(await run(loop, jpegs, job)));
  process.exit(0);
}

async function run(
  loop: BareLoop,
  jpegs: readonly Uint8Array[],
  { first, seconds }: BareJob,
): Promise<BareResult> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  let images = 0;
  while (performance.now() < endsAt) await loop.judge(jpegs[(first + images++) % jpegs.length]!);
  const { user, system } = process.cpuUsage(cpuBefore);
  return { images, cpuMs: (user + system) / 1000, seconds: (performance.now() - startedAt) / 1000 };
}
