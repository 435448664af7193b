import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SmallDisk } from "../chaos/small-disk.ts";
import { plain } from "./pictures.ts";
import { type RunningServer, startServer } from "./server.ts";

const MIB = 1024 * 1024;
const DISK_MIB = 24;
/** Good enough for production. */
const TOKEN = "b1946ac92492d2347c6235b4d2611184fe90d7a4c1f5e08b";
const asOperator = { headers: { Authorization: `Bearer ${TOKEN}` } };
const SETTINGS = {
  PINHOLE_OPERATOR_TOKEN: TOKEN,
  PINHOLE_MODELS_DIR: "test/fixtures/models",
  PINHOLE_MODEL_DEFAULT: "rgb-float32",
  PINHOLE_WORKER_COUNT: "1",
  PINHOLE_RATE_LIMIT_ENABLED: "false",
  PINHOLE_HEALTH_INTERVAL_SECONDS: "1",
  PINHOLE_HEALTH_DISK_FREE_SHARE: "0",
  PINHOLE_HEALTH_DISK_FREE_BYTES: String(MIB),
  PINHOLE_RECORD_DISK_FREE_BYTES: String(MIB),
};

let home: string;
let disk: SmallDisk;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "pinhole-full-disk-"));
  disk = await SmallDisk.mount(join(home, "disk"), DISK_MIB);
});
afterAll(async () => {
  await disk[Symbol.asyncDispose]();
  await rm(home, { recursive: true });
});

/** Asks for predictions one after another until `stop`; every one must be answered. */
class Client implements AsyncDisposable {
  readonly ids: string[] = [];
  worstMs = 0;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(server: RunningServer) {
    this.#done = this.#work(server);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #work(server: RunningServer): Promise<void> {
    const red = await plain(255, 0, 0);
    while (!this.#stopped) {
      const from = performance.now();
      const headers = { "Content-Type": "image/png", Prefer: "handling=strict" };
      const answer = await fetch(`${server.url}/api/v1/predict`, { method: "POST", body: red, headers });
      expect(answer.status).toBe(200);
      this.ids.push(((await answer.json()) as { prediction_id: string }).prediction_id);
      this.worstMs = Math.max(this.worstMs, performance.now() - from);
      await Bun.sleep(5);
    }
  }
}

async function metric(server: RunningServer, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`, asOperator)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}

async function becomes(look: () => Promise<unknown>, wanted: unknown): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while ((await look()) !== wanted) {
    if (performance.now() > giveUpAt) throw new Error(`it never became ${wanted}`);
    await Bun.sleep(50);
  }
}

const recording = (server: RunningServer) => () => metric(server, "pinhole_recorder_healthy");
async function readiness(server: RunningServer): Promise<string> {
  const answer = await fetch(`${server.url}/health/ready`);
  return `${answer.status} ${((await answer.json()) as { status: string }).status}`;
}

/** How many of the ids are in the database file, beside whoever has it open. */
function kept(dataDir: string, ids: readonly string[]): number {
  const database = new Database(join(dataDir, "pinhole.sqlite"), { readonly: true });
  const byId = database.query("SELECT 1 FROM predictions WHERE id = ?");
  const found = ids.filter((id) => byId.get(id) !== null).length;
  database.close();
  return found;
}

const times = (text: string, what: string) => text.split(what).length - 1;

describe("a full disk", () => {
  for (const [name, floor] of [
    ["down to the floor", MIB],
    ["to the last byte, without a floor", 0],
  ] as const)
    test(`${name}: answers go on, degraded and unrecorded; nothing is lost once there is room again`, async () => {
      const dataDir = join(disk.path, `data-${floor}`);
      const settings = { ...SETTINGS, PINHOLE_RECORD_DISK_FREE_BYTES: String(floor) };
      await using server = await startServer(settings, { dataDir });
      await using client = new Client(server);
      await becomes(async () => client.ids.length >= 20, true);
      const flushed = client.ids.slice(0, 10);
      await becomes(async () => kept(dataDir, flushed), flushed.length);
      disk.fill();
      await becomes(recording(server), 0);
      await becomes(() => readiness(server), "200 degraded");
      const before = client.ids.length;
      await becomes(async () => client.ids.length >= before + 100, true);
      // What waits can be read as if it were written.
      const waiting = client.ids.at(-1);
      expect((await fetch(`${server.url}/api/v1/predictions/${waiting}`)).status).toBe(200);
      expect(kept(dataDir, flushed)).toBe(flushed.length);
      disk.empty();
      await becomes(recording(server), 1);
      await client.stop();
      await becomes(async () => kept(dataDir, client.ids), client.ids.length);
      await becomes(() => readiness(server), "200 ok");
      expect(await metric(server, "pinhole_recorder_dropped_total")).toBe(0);
      expect(await server.stop()).toBe(0);
      expect(kept(dataDir, client.ids)).toBe(client.ids.length);
    }, 60_000);

  test("is told of once when it begins and once when it is over; rows past the bound are counted", async () => {
    const settings = { ...SETTINGS, PINHOLE_RECORD_BUFFER_ROWS: "50" };
    await using server = await startServer(settings, { dataDir: join(disk.path, "told") });
    await using client = new Client(server);
    disk.fill();
    await becomes(recording(server), 0);
    await becomes(async () => (await metric(server, "pinhole_recorder_dropped_total")) > 20, true);
    await becomes(async () => (await metric(server, "pinhole_recorder_failures_total")) >= 4, true);
    disk.empty();
    await becomes(recording(server), 1);
    await client.stop();
    const log = await server.said("records are written again");
    expect(times(log, "records cannot be written")).toBe(1);
    expect(times(log, "records are written again")).toBe(1);
    expect(times(log, "health reports cannot be kept")).toBeLessThanOrEqual(1);
  }, 60_000);

  test("stops neither a start on a database that is there, nor the answers of a server whose logs lie on it", async () => {
    const dataDir = join(disk.path, "restarted");
    const settings = {
      ...SETTINGS,
      PINHOLE_ENVIRONMENT: "production",
      PINHOLE_DRAIN_DELAY_MS: "0",
      PINHOLE_LOG_DIR: join(disk.path, "logs"),
      PINHOLE_HEALTH_DISK_FREE_BYTES: String(MIB),
    };
    const first = await startServer(settings, { dataDir });
    await first.stop();
    disk.fill();
    await using server = await startServer(settings, { dataDir });
    await using client = new Client(server);
    await becomes(recording(server), 0);
    await becomes(async () => client.ids.length >= 100, true);
    await becomes(() => readiness(server), "200 degraded");
    await becomes(async () => (await metric(server, "pinhole_log_lines_lost_total")) > 0, true);
    disk.empty();
    await becomes(recording(server), 1);
    await client.stop();
    await becomes(async () => kept(dataDir, client.ids), client.ids.length);
    const access = () => readFile(join(disk.path, "logs", "access.log"), "utf8").catch(() => "");
    const lines = async () => times(await access(), "\n");
    const before = await lines();
    await fetch(`${server.url}/api/v1/model_info`);
    await becomes(async () => (await lines()) !== before, true);
    expect(times(await server.log(), "the log cannot be written")).toBeLessThanOrEqual(5);
  }, 60_000);
});

test("a database that another process holds locked keeps nobody waiting, and gets every row in the end", async () => {
  const dataDir = join(home, "locked");
  await using server = await startServer(SETTINGS, { dataDir });
  await using client = new Client(server);
  await becomes(async () => client.ids.length >= 20, true);
  const other = new Database(join(dataDir, "pinhole.sqlite"));
  other.run("PRAGMA busy_timeout = 5000");
  other.run("BEGIN IMMEDIATE");
  await becomes(recording(server), 0);
  client.worstMs = 0;
  const before = client.ids.length;
  await becomes(async () => (await metric(server, "pinhole_recorder_failures_total")) >= 5, true);
  await becomes(() => readiness(server), "200 degraded");
  console.log(
    `locked: ${client.ids.length - before} answers meanwhile, the slowest after ${client.worstMs.toFixed()} ms`,
  );
  expect(client.ids.length - before).toBeGreaterThan(20);
  other.run("ROLLBACK");
  other.close();
  await becomes(recording(server), 1);
  await client.stop();
  await becomes(async () => kept(dataDir, client.ids), client.ids.length);
  const log = await server.said("records are written again");
  expect([times(log, "records cannot be written"), times(log, "slow query")]).toEqual([1, 0]);
}, 60_000);
