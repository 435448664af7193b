import { failureCount, type LoadJob, runLoad } from "../bench/generator/job.ts";
import type { Photographs } from "../bench/photographs.ts";
import type { Progress } from "../bench/progress.ts";
import { type Agreement, agreement, isSameWork, type TopFive } from "./answers.ts";
import { machineCpuMs } from "./machine-load.ts";
import { PINHOLE } from "./peers.ts";
import { medianSample, type PeerResult, type PeerSample } from "./results.ts";
import type { RunningPeer } from "./running-peer.ts";

export interface MeasureOptions {
  connections: number;
  /** Of one measurement, without what is under way at its end. */
  seconds: number;
  /** Before each measurement. */
  warmUpSeconds: number;
  rounds: number;
  progress: Progress;
}

/** How many photographs are asked to compare answers. */
const ASKED = 16;

/**
 * Measures servers one at a time, each once in every round, while the others are paused; each round begins with
 * another.
 * @param network for what is printed
 */
export async function measurePeers(
  peers: readonly RunningPeer[],
  network: string,
  photographs: Photographs,
  options: MeasureOptions,
): Promise<PeerResult[]> {
  const agreements = await compareAnswers(peers, photographs.files);
  for (const peer of peers) peer.pause();
  const samples = new Map<RunningPeer, PeerSample[]>(peers.map((peer) => [peer, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (let place = 0; place < peers.length; place++) {
      const peer = peers[(round + place) % peers.length]!;
      options.progress.measuring(`${network}, round ${round + 1}/${options.rounds}: ${peer.peer.name}`);
      peer.resume();
      samples.get(peer)!.push(await measurePeer(peer, photographs.files, options));
      peer.pause();
      options.progress.measured();
    }
  }
  return peers.map((peer) => {
    const found = agreements.get(peer) ?? null;
    return {
      name: peer.peer.name,
      title: peer.peer.title,
      setting: peer.setting.label,
      agreement: found,
      sameWork: found === null || isSameWork(found, peer.peer.pixels),
      median: medianSample(samples.get(peer)!),
      samples: samples.get(peer)!,
    };
  });
}

async function measurePeer(
  { url, usage }: RunningPeer,
  files: readonly string[],
  { connections, seconds, warmUpSeconds }: MeasureOptions,
): Promise<PeerSample> {
  const bodies = { files, contentType: "image/jpeg", formField: null };
  const job: LoadJob = { url, bodies, connections, seconds, rate: null };
  await runLoad({ ...job, seconds: warmUpSeconds });
  const before = { cpuMs: usage().cpuMs, machineMs: machineCpuMs(), at: performance.now() };
  const load = await runLoad(job);
  const machineMs = machineCpuMs() - before.machineMs;
  const elapsedMs = performance.now() - before.at;
  const after = usage();
  const cpuMs = after.cpuMs - before.cpuMs;
  const generatorMs = load.generatorCores * load.seconds * 1000;
  const asked = load.answers + failureCount(load);
  return {
    perSecond: load.answersPerSecond,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    cpuMs: asked === 0 ? null : cpuMs / asked,
    residentMb: after.residentBytes / 1e6,
    generatorCores: load.generatorCores,
    // The start of the load generator's process is among it.
    otherCores: Math.max(0, machineMs - cpuMs - generatorMs) / elapsedMs,
    answers: load.answers,
    failures: load.failures,
  };
}

/** Empty where Pinhole is not among them. */
async function compareAnswers(
  peers: readonly RunningPeer[],
  files: readonly string[],
): Promise<Map<RunningPeer, Agreement>> {
  const pinhole = peers.find(({ peer }) => peer === PINHOLE);
  if (!pinhole) return new Map();
  const asked = files.filter((_, i) => i % Math.ceil(files.length / ASKED) === 0);
  const answersOf = async (peer: RunningPeer) => {
    const answers: TopFive[] = [];
    for (const file of asked) answers.push(await peer.ask(file));
    return answers;
  };
  const ours = await answersOf(pinhole);
  const found = new Map<RunningPeer, Agreement>();
  for (const peer of peers) if (peer !== pinhole) found.set(peer, agreement(ours, await answersOf(peer)));
  return found;
}
