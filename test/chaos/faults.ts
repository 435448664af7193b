import { Database } from "bun:sqlite";
import { join } from "node:path";
import { photographs } from "../system/photographs.ts";
import { plain } from "../system/pictures.ts";
import { childrenOf, isRunning } from "../system/processes.ts";
import type { Random } from "../system/random.ts";
import { RawConnection } from "../system/raw-http.ts";
import type { RunningServer } from "../system/server.ts";
import { Figures } from "./figures.ts";
import { FAILING_MODEL, WEDGING_MODEL } from "./models.ts";
import type { FaultName } from "./plan.ts";
import type { SmallDisk } from "./small-disk.ts";

export interface Scene {
  server: RunningServer;
  /** What the server writes to. */
  disk: SmallDisk;
  dataDir: string;
  random: Random;
  /** Level of grey that holds a worker for about `WEDGED_FOR_MS`. */
  wedgingLevel: number;
}

/**
 * Does its worst and returns when it is over; whether the server is well again is for others to see.
 * @throws Error when the server did something else than it should meanwhile
 */
export type Fault = (scene: Scene) => Promise<void>;

/** A worker that is held for longer than its deadline and `WEDGED_AFTER_MS`, and then comes back. */
export const WEDGED_FOR_MS = 5000;
export const WEDGED_AFTER_MS = 2000;
const DISK_FULL_MS = 5000;
/** Longer than a writer waits for its turn. */
const DATABASE_LOCKED_MS = 7000;
const FAILURES = 10;
const UPLOADS = 60;
const PATIENCE_MS = 30_000;

export const faultsByName: Record<FaultName, Fault> = {
  "kill the process": (scene) => end(scene, "SIGKILL"),
  // Native code that crashes, in whichever thread, takes the process with it.
  "crash in native code": (scene) => end(scene, "SIGSEGV"),
  "wedge a worker": wedge,
  "fail in a worker": failInWorker,
  "fill the disk": fillDisk,
  "lock the database": lockDatabase,
  "cut uploads": cutUploads,
};

/** Whether what is answered while it lasts may go unrecorded (and must be counted). */
export const STOPS_RECORDING: readonly FaultName[] = ["fill the disk", "lock the database"];

async function end({ server, random }: Scene, signal: "SIGKILL" | "SIGSEGV"): Promise<void> {
  const pid = random.pick(childrenOf(server.pid).filter(isRunning));
  process.kill(pid, signal);
  await until("the process has ended", () => !isRunning(pid));
}

async function wedge({ server, wedgingLevel: level }: Scene): Promise<void> {
  const event = (name: string) => `pinhole_worker_events_total{event="worker_${name}"}`;
  const count = async (name: string) => (await Figures.of(server.url)).value(event(name));
  const returned = await count("returned");
  const status = await strictly(server, WEDGING_MODEL, await plain(level, level, level));
  if (status !== 504) throw new Error(`a request that holds its worker was answered with ${status}, not 504`);
  await until("the worker has come back", async () => (await count("returned")) > returned);
}

/** A model that fails on white: the worker goes on. */
async function failInWorker({ server }: Scene): Promise<void> {
  const white = await plain(255, 255, 255);
  const statuses = await Promise.all(
    Array.from({ length: FAILURES }, () => strictly(server, FAILING_MODEL, white)),
  );
  const others = statuses.filter((status) => status !== 500);
  if (others.length > 0) throw new Error(`a run that fails was answered with ${others[0]}, not 500`);
}

async function fillDisk({ disk }: Scene): Promise<void> {
  disk.fill();
  try {
    await Bun.sleep(DISK_FULL_MS);
  } finally {
    disk.empty();
  }
}

/** As a backup, or somebody with the sqlite3 shell open, may do. */
async function lockDatabase({ dataDir }: Scene): Promise<void> {
  const database = new Database(join(dataDir, "pinhole.sqlite"));
  try {
    database.run("PRAGMA busy_timeout = 5000");
    database.run("BEGIN IMMEDIATE");
    await Bun.sleep(DATABASE_LOCKED_MS);
    database.run("ROLLBACK");
  } finally {
    database.close();
  }
}

async function cutUploads({ server, random }: Scene): Promise<void> {
  const { bytes } = random.pick(await photographs());
  await Promise.all(
    Array.from({ length: UPLOADS }, async () => {
      const connection = await RawConnection.open(server.port);
      connection.send(
        `POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\nContent-Length: ${bytes.length}\r\n\r\n`,
      );
      connection.send(bytes.subarray(0, random.whole(0, bytes.length)));
      await Bun.sleep(random.whole(0, 500));
      connection.cut();
    }),
  );
}

/** Status of an answer that may not be the fallback. */
async function strictly(server: RunningServer, model: string, body: Uint8Array<ArrayBuffer>) {
  const response = await fetch(`${server.url}/api/v1/predict?model=${model}`, {
    method: "POST",
    body,
    headers: { "Content-Type": "image/png", Prefer: "handling=strict" },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  await response.body?.cancel();
  return response.status;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
    await Bun.sleep(20);
  }
}
