import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { heldInTheEnd } from "../system/held.ts";
import { plain } from "../system/pictures.ts";
import { Random } from "../system/random.ts";
import { type RunningServer, startServer } from "../system/server.ts";
import { faultsByName, type Scene, STOPS_RECORDING, WEDGED_AFTER_MS, WEDGED_FOR_MS } from "./faults.ts";
import { Figures } from "./figures.ts";
import { SteadyLoad } from "./load.ts";
import { chaosModels, WEDGING_MODEL } from "./models.ts";
import { FAULTS, type FaultName, plan } from "./plan.ts";
import { ReadyWatch } from "./ready-watch.ts";
import { readRecords } from "./records.ts";
import { SmallDisk } from "./small-disk.ts";
import { type Blow, judge, type Verdict } from "./verdict.ts";

export interface ChaosOptions {
  seed: number;
  /** How long faults are begun for; the last may end later. */
  seconds: number;
  processes: number;
  readyWithinMs: number;
  /** Ends sooner when every fault has come so often. Default: as often as there is time for. */
  rounds?: number;
  /** These faults, instead of all. */
  only?: readonly FaultName[];
  say: (line: string) => void;
}

export interface ChaosReport extends Verdict {
  seed: number;
  seconds: number;
  processes: number;
  blows: Blow[];
}

const DISK_MEBIBYTES = 96;
const CLIENTS = 8;
const PAUSE_MS = 100;
/** The flush interval, a write on a busy machine, and an answer on its way. */
const SETTLED_MS = 1500;
const RECOVERY_MS = 30_000;
/** A wedged thread must not cost a pool of four its process. */
const WORKERS = 4;

/** Starts a server, puts it under a steady load, and lets one fault after the other come over it. */
export async function chaos(options: ChaosOptions): Promise<ChaosReport> {
  const {
    seed,
    seconds,
    processes,
    readyWithinMs,
    only = FAULTS,
    rounds = Number.POSITIVE_INFINITY,
    say,
  } = options;
  const home = await mkdtemp(join(tmpdir(), "pinhole-chaos-"));
  try {
    const models = await chaosModels(join(home, "models"));
    await using disk = await SmallDisk.mount(join(home, "disk"), DISK_MEBIBYTES);
    const dataDir = join(disk.path, "data");
    const settings = settingsFor(models, processes);
    const wedgingLevel = only.includes("wedge a worker") ? await levelFor(settings, home) : 1;
    await using server = await startServer(settings, { dataDir, supervised: true });
    await using watch = new ReadyWatch(server.url);
    const load = await SteadyLoad.start(server.url, {
      clients: CLIENTS,
      pauseMs: PAUSE_MS,
      random: new Random(seed + 1),
    });
    const blows: Blow[] = [];
    const scene = { server, disk, dataDir, random: new Random(seed + 2), wedgingLevel };
    const endsAt = performance.now() + seconds * 1000;
    for (const { fault, calmMs } of plan(new Random(seed), only)) {
      await Bun.sleep(calmMs);
      if (performance.now() >= endsAt || blows.length >= rounds * only.length) break;
      const blow = await strike(fault, scene, watch);
      blows.push(blow);
      say(told(blow, Math.max(0, endsAt - performance.now())));
    }
    await load.stop();
    const held = await heldInTheEnd(server);
    const exitCode = await server.stop();
    const records = readRecords(dataDir);
    const evidence = { blows, exchanges: load.exchanges, records, held, exitCode, settledMs: SETTLED_MS };
    return { seed, seconds, processes, blows, ...judge(evidence, readyWithinMs) };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function settingsFor(models: string, processes: number): Record<string, string> {
  return {
    PINHOLE_MODELS_DIR: models,
    PINHOLE_PROCESSES: String(processes),
    PINHOLE_WORKER_COUNT: String(WORKERS),
    PINHOLE_WORKER_WEDGED_MS: String(WEDGED_AFTER_MS),
    PINHOLE_DEADLINE_MS: "1500",
    PINHOLE_RATE_LIMIT_ENABLED: "false",
    // Every photograph goes through a worker, and every answer that is not one is seen.
    PINHOLE_CACHE_ENABLED: "false",
    PINHOLE_FALLBACK_ENABLED: "false",
    // The disk is a small one.
    PINHOLE_HEALTH_DISK_FREE_BYTES: "4194304",
    PINHOLE_HEALTH_DISK_FREE_SHARE: "0.05",
    PINHOLE_RECORD_DISK_FREE_BYTES: "2097152",
    PINHOLE_LOG_LEVEL: "warn",
  };
}

/** The level of grey that holds a worker of this machine for about as long as is wanted. */
async function levelFor(settings: Record<string, string>, home: string): Promise<number> {
  const patient = { PINHOLE_DEADLINE_MS: "60000", PINHOLE_WORKER_WEDGED_MS: "0", PINHOLE_WORKER_COUNT: "1" };
  await using server = await startServer(
    { ...settings, ...patient, PINHOLE_PROCESSES: "1" },
    { dataDir: join(home, "calibration") },
  );
  const url = `${server.url}/api/v1/predict?model=${WEDGING_MODEL}`;
  const body = await plain(1, 1, 1);
  const took: number[] = [];
  for (let run = 0; run < 5; run++) {
    const response = await fetch(url, { method: "POST", body, headers: { "Content-Type": "image/png" } });
    const answer = (await response.json()) as { timings_ms?: { infer: number } };
    if (answer.timings_ms === undefined) throw new Error(`no answer to grey: ${JSON.stringify(answer)}`);
    took.push(answer.timings_ms.infer);
  }
  return Math.min(255, Math.max(1, Math.ceil(WEDGED_FOR_MS / Math.min(...took))));
}

/** One fault, and what came of it until the server was ready again. */
async function strike(fault: FaultName, scene: Scene, watch: ReadyWatch): Promise<Blow> {
  const { server } = scene;
  const endsProcess = fault === "kill the process" || fault === "crash in native code";
  const droppedBefore = endsProcess ? 0 : await dropped(server);
  const from = performance.now();
  let trouble: string | null = null;
  try {
    await faultsByName[fault](scene);
  } catch (error) {
    trouble = String(error);
  }
  const to = performance.now();
  if (!(await readyAgain(server, watch))) trouble ??= `not ready within ${RECOVERY_MS / 1000} s`;
  const readyAt = performance.now();
  const notReadyMs = watch.longestMs(from);
  const stopsRecording = STOPS_RECORDING.includes(fault);
  // What was given up meanwhile is counted when the recorder next looks.
  if (stopsRecording) await Bun.sleep(SETTLED_MS);
  const lost = endsProcess ? 0 : (await dropped(server)) - droppedBefore;
  return { fault, from, to, readyAt, notReadyMs, trouble, stopsRecording, endsProcess, dropped: lost };
}

async function dropped(server: RunningServer): Promise<number> {
  return (await Figures.of(server.url)).value("pinhole_recorder_dropped_total");
}

/** A second look: the first may have come before the watch saw that anything had happened. */
async function readyAgain(server: RunningServer, watch: ReadyWatch): Promise<boolean> {
  const giveUpAt = performance.now() + RECOVERY_MS;
  for (let seen = 0; seen < 3; ) {
    if (performance.now() > giveUpAt) return false;
    const response = await fetch(`${server.url}/health/ready`).catch(() => null);
    await response?.body?.cancel();
    seen = response?.status === 200 && watch.ready ? seen + 1 : 0;
    await Bun.sleep(50);
  }
  return true;
}

function told({ fault, notReadyMs, trouble, from, to }: Blow, leftMs: number): string {
  const ready =
    notReadyMs === 0 ? "ready throughout" : `ready again after ${(notReadyMs / 1000).toFixed(2)} s`;
  const lasted = `${((to - from) / 1000).toFixed(1)} s`;
  return `${fault.padEnd(22)} ${lasted.padStart(7)}  ${trouble ?? ready}  (${(leftMs / 1000).toFixed(0)} s to go)`;
}
