import { expect, test } from "bun:test";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../../db/connection.ts";
import { HealthChecks } from "../../db/health-checks.ts";
import { migrate } from "../../db/migrate.ts";
import { systemClock } from "../../src/clock.ts";
import { form } from "./photographs.ts";
import { plain } from "./pictures.ts";
import { asOperator, type RunningServer, startServer } from "./server.ts";

const DAY_MS = 86_400_000;
const SMALL_MODELS = {
  PINHOLE_MODELS_DIR: "test/fixtures/models",
  PINHOLE_MODEL_DEFAULT: "rgb-float32",
  PINHOLE_WORKER_COUNT: "1",
};

interface Check {
  state: string;
  figure: number;
  unit: string;
  threshold: number;
}

interface Detailed {
  status: string;
  failing: string[];
  checks: Record<string, Check>;
}

interface History {
  reports: { created_at: string; status: string; checks: Record<string, Check> }[];
}

const read = async <T>(server: RunningServer, path: string) => {
  const response = await fetch(`${server.url}${path}`, asOperator);
  return { status: response.status, json: (await response.json()) as T };
};

async function within<T>(patienceMs: number, look: () => Promise<T>, good: (seen: T) => boolean): Promise<T> {
  const giveUpAt = performance.now() + patienceMs;
  let seen = await look();
  while (!good(seen) && performance.now() < giveUpAt) {
    await Bun.sleep(50);
    seen = await look();
  }
  return seen;
}

test("a check over its threshold is named with its figure, in the report, the history and the log; answers go on", async () => {
  // No disk is wholly free.
  await using server = await startServer({
    ...SMALL_MODELS,
    PINHOLE_HEALTH_DISK_FREE_SHARE: "1",
    PINHOLE_HEALTH_INTERVAL_SECONDS: "1",
  });
  const { status, json } = await read<Detailed>(server, "/health/detailed");
  expect([status, json.status, json.failing]).toEqual([200, "degraded", ["disk"]]);
  const { disk } = json.checks;
  expect(disk).toMatchObject({ state: "degraded", unit: "bytes" });
  expect(disk!.figure).toBeLessThan(disk!.threshold);
  expect(Object.keys(json.checks).sort()).toEqual(
    ["database", "disk", "event_loop", "memory", "models", "queue", "recorder", "workers"].sort(),
  );

  const ready = await fetch(`${server.url}/health/ready`);
  expect([ready.status, await ready.json()]).toEqual([200, { status: "degraded", ready: true }]);
  const body = form([{ filename: "a.png", bytes: await plain(9, 9, 9), type: "image/png" }]);
  expect((await fetch(`${server.url}/api/v1/predict`, { method: "POST", body })).status).toBe(200);

  const history = await within(
    10_000,
    async () => (await read<History>(server, "/health/history")).json.reports,
    (reports) => reports.length >= 3,
  );
  expect(history.length).toBeGreaterThanOrEqual(3);
  const times = history.map(({ created_at }) => Date.parse(created_at));
  expect(times).toEqual([...times].sort((a, b) => b - a));
  expect(history[0]).toMatchObject({
    status: "degraded",
    checks: { disk: { state: "degraded", unit: "bytes" } },
  });

  const lines = (await server.said("health check failing"))
    .split("\n")
    .filter((line) => line.includes("health check failing"));
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: "warn", check: "disk", threshold: disk!.threshold });
});

test("the figures of process and machine", async () => {
  await using server = await startServer(SMALL_MODELS);
  const { json } = await read<Record<"process" | "system", Record<string, number>>>(
    server,
    "/health/metrics",
  );
  const { process, system } = json;
  expect(process.resident_bytes).toBeGreaterThan(10 * 1024 ** 2);
  expect(process.open_files).toBeGreaterThan(3);
  expect(process.open_files_limit).toBeGreaterThan(process.open_files!);
  expect(process.cpu_user_seconds! + process.cpu_system_seconds!).toBeGreaterThan(0);
  expect(process.event_loop_delay_max_ms).toBeGreaterThanOrEqual(process.event_loop_delay_mean_ms!);
  expect(system.memory_limit_bytes).toBeLessThanOrEqual(system.memory_total_bytes!);
  expect(system.disk_free_bytes).toBeLessThanOrEqual(system.disk_total_bytes!);
  expect(system.usable_cores).toBeLessThanOrEqual(system.cores!);
});

test("reports past their retention go, and a restart forgets neither the others nor today's clients", async () => {
  const home = await mkdtemp(join(tmpdir(), "pinhole-health-"));
  const dataDir = join(home, "data");
  const settings = { ...SMALL_MODELS, PINHOLE_HEALTH_RETENTION_DAYS: "2" };
  try {
    await mkdir(dataDir, { recursive: true });
    const database = openDatabase(join(dataDir, "pinhole.sqlite"), {
      clock: systemClock,
      slowQueryMs: 1000,
      onSlowQuery: () => undefined,
    });
    migrate(database);
    const stored = new HealthChecks(database);
    for (const days of [3, 1])
      stored.insert({ createdAt: Date.now() - days * DAY_MS, status: "healthy", checks: {} });
    database.close();

    const first = await startServer(settings, { dataDir });
    const reports = await within(
      10_000,
      async () => (await read<History>(first, "/health/history")).json.reports,
      (seen) => seen.length === 2,
    );
    expect(
      reports.map(({ created_at }) => Math.round((Date.now() - Date.parse(created_at)) / DAY_MS)),
    ).toEqual([0, 1]);
    const body = form([{ filename: "a.png", bytes: await plain(9, 9, 9), type: "image/png" }]);
    expect((await fetch(`${first.url}/api/v1/predict`, { method: "POST", body })).status).toBe(200);
    expect(await clients(first)).toBe(1);
    await first.stop();

    await using second = await startServer(settings, { dataDir });
    expect(await clients(second)).toBe(1);
    expect((await read<History>(second, "/health/history")).json.reports).toHaveLength(3);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

/** Today's and yesterday's: midnight may pass while a test runs. */
async function clients(server: RunningServer): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`, asOperator)).text();
  const found = [...text.matchAll(/^pinhole_active_clients\{.*\} (\d+)$/gm)];
  expect(found).toHaveLength(2);
  return found.reduce((sum, [, count]) => sum + Number(count), 0);
}
