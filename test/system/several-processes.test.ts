import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plain } from "./pictures.ts";
import { childrenOf } from "./processes.ts";
import { asOperator, type RunningServer, startServer } from "./server.ts";

const LIMIT = 100;
const PROCESSES = 3;
const SETTINGS = {
  PINHOLE_MODELS_DIR: "test/fixtures/models",
  PINHOLE_MODEL_DEFAULT: "rgb-float32",
  PINHOLE_PROCESSES: String(PROCESSES),
  PINHOLE_WORKER_COUNT: "1",
  PINHOLE_RATE_LIMIT_WINDOW_SECONDS: "600",
  PINHOLE_RATE_LIMIT_READ_REQUESTS: String(LIMIT),
  PINHOLE_RATE_LIMIT_REQUESTS: "100000",
  PINHOLE_RESTART_LIMIT: "50",
};

let server: RunningServer;

beforeAll(async () => {
  server = await startServer(SETTINGS, { supervised: true });
  await until(async () => (await metric('pinhole_processes{state="ready"}')) === PROCESSES);
}, 60_000);

afterAll(() => server?.stop());

async function until(isIt: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isIt())) await Bun.sleep(20);
}

/** A connection of its own: the kernel gives each to one of the processes, by chance. */
const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${server.url}${path}`, { ...init, keepalive: false });

async function metric(series: string): Promise<number> {
  const text = await (await ask("/metrics", asOperator)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${series} `));
  if (line === undefined) throw new Error(`no ${series} in\n${text.slice(0, 2000)}`);
  return Number(line.slice(series.length + 1));
}

const predict = async (body: Uint8Array<ArrayBuffer>) =>
  ask("/api/v1/predict", { method: "POST", body, headers: { "Content-Type": "image/png" } });

/** Kills one and waits for its successor. */
async function killOne(): Promise<void> {
  const before = childrenOf(server.pid);
  process.kill(before[1]!, "SIGKILL");
  await until(() => childrenOf(server.pid).filter((pid) => !before.includes(pid)).length === 1);
  await until(async () => (await metric('pinhole_processes{state="ready"}')) === PROCESSES);
}

/** How many of `times` requests got each status. */
async function statuses(times: number, send: () => Promise<Response>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  const one = async () => {
    const response = await send();
    await response.arrayBuffer();
    counts[response.status] = (counts[response.status] ?? 0) + 1;
  };
  await Promise.all(Array.from({ length: times }, one));
  return counts;
}

/** How many predictions had which status, or were cut off, before, during and after `what`. */
async function underLoad(connections: number, what: () => Promise<void>): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = {};
  let running = true;
  const client = async (id: number) => {
    for (let round = 0; running; round++) {
      const body = await plain(id, round % 256, Math.floor(round / 256));
      const outcome = await predict(body).then(
        async (response) => {
          const { fallback, error = "" } = (await response.json()) as { fallback?: boolean; error?: string };
          return fallback ? "fallback" : `${response.status} ${error}`.trim();
        },
        () => "cut",
      );
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  };
  const clients = Array.from({ length: connections }, (_, id) => client(id));
  await Bun.sleep(500);
  await what();
  await Bun.sleep(500);
  running = false;
  await Promise.all(clients);
  return outcomes;
}

describe("several processes", () => {
  test("admit together what one would admit, also after one of them has died", async () => {
    expect(await statuses(4 * LIMIT, () => ask("/api/v1/models"))).toEqual({
      200: LIMIT,
      429: 3 * LIMIT,
    });
    await killOne();
    expect(await statuses(20, () => ask("/api/v1/models"))).toEqual({ 429: 20 });
    const { limits } = (await (await ask("/api/v1/admin/rate-limits", asOperator)).json()) as {
      limits: { policy: string; top_refused: { client_hash: string }[] }[];
    };
    expect(limits.find(({ policy }) => policy === "read")).toMatchObject({
      clients: 1,
      admitted: LIMIT,
      refused: 3 * LIMIT + 20,
      top_refused: [{ client_hash: expect.stringMatching(/^[0-9a-f]{32}$/), refused: 3 * LIMIT + 20 }],
    });
  }, 60_000);

  test("show the sum of what all of them counted to whoever asks one of them", async () => {
    const counted = 'pinhole_http_request_duration_seconds_count{route="/api/v1/model_info",method="GET",';
    await statuses(60, () => ask("/api/v1/model_info"));
    // Scraped once at least, or it would go with the process that counted it.
    expect(await metric(`${counted}status="429"}`)).toBe(60);
    await killOne();
    await statuses(60, () => ask("/api/v1/model_info"));
    for (let times = 0; times < 6; times++) expect(await metric(`${counted}status="429"}`)).toBe(120);
    expect(await metric('pinhole_workers{state="idle"}')).toBe(PROCESSES);
    expect(await metric('pinhole_process_restarts_total{reason="killed"}')).toBeGreaterThanOrEqual(2);
    expect(await metric('pinhole_rate_limit_requests_total{policy="read",verdict="admitted"}')).toBe(LIMIT);
    expect(await metric("pinhole_supervisor_unanswered_total")).toBe(0);
  }, 60_000);

  test("all do what one of them was told: log level, forgotten answers", async () => {
    const level = "/api/v1/admin/log-level";
    const body = JSON.stringify({ level: "debug" });
    const headers = { ...asOperator.headers, "Content-Type": "application/json" };
    expect((await ask(level, { method: "PUT", body, headers })).status).toBe(200);
    await killOne();
    const levels = new Set<string>();
    for (let times = 0; times < 12; times++)
      levels.add(((await (await ask(level, asOperator)).json()) as { level: string }).level);
    expect([...levels]).toEqual(["debug"]);

    const picture = await plain(1, 2, 3);
    await until(async () => {
      await statuses(10, () => predict(picture));
      return (await metric("pinhole_cache_entries")) === PROCESSES;
    });
    expect((await ask("/api/v1/admin/cache", { method: "DELETE", ...asOperator })).status).toBe(200);
    await until(async () => (await metric("pinhole_cache_entries")) === 0);
  }, 60_000);

  test("one that is killed under load costs what it had in flight, and nothing of the others", async () => {
    const connections = 9;
    const outcomes = await underLoad(connections, killOne);
    console.log(`one of ${PROCESSES} killed under ${connections} connections: ${JSON.stringify(outcomes)}`);
    const { cut = 0, "200": answered = 0, ...others } = outcomes;
    expect(others).toEqual({});
    expect(answered).toBeGreaterThan(100);
    // Each client's request at that moment, and those that knocked while the kernel took the process apart.
    expect(cut).toBeLessThanOrEqual(3 * connections);
  }, 60_000);

  test("SIGHUP replaces them one after the other, while they serve, and counts nothing twice", async () => {
    const counted =
      'pinhole_http_request_duration_seconds_count{route="/api/v1/predict",method="POST",status="200"}';
    // A series is there from its first request on.
    expect((await predict(await plain(4, 5, 6))).status).toBe(200);
    const [countBefore, before] = [await metric(counted), childrenOf(server.pid)];
    const outcomes = await underLoad(9, async () => {
      server.signal("SIGHUP");
      await until(() => {
        const now = childrenOf(server.pid);
        return now.length === PROCESSES && now.every((pid) => !before.includes(pid));
      });
    });
    console.log(`${PROCESSES} replaced under 9 connections: ${JSON.stringify(outcomes)}`);
    const { cut = 0, "200": answered = 0, ...others } = outcomes;
    expect(others).toEqual({});
    expect(cut).toBeLessThanOrEqual(3 * 9);
    expect((await metric(counted)) - countBefore).toBe(answered);
  }, 60_000);

  test("let nobody in while their limits cannot be asked, say so, and count it", async () => {
    const picture = await plain(9, 9, 9);
    server.signal("SIGSTOP");
    const refused = await predict(picture);
    server.signal("SIGCONT");
    expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([
      503,
      "OVERLOADED",
    ]);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await predict(picture)).status).toBe(200);
    expect(await metric("pinhole_supervisor_unanswered_total")).toBe(1);
  });

  test("share their port with nobody else", async () => {
    // What answers at that port is the first one.
    await using second = await startServer({ ...SETTINGS, PORT: String(server.port) }, { supervised: true });
    expect(await second.exited).toBe(1);
    expect(await second.log()).toContain("is taken");
  });
});

test("several processes write to logs of their own", async () => {
  const logs = await mkdtemp(join(tmpdir(), "pinhole-logs-"));
  try {
    await using several = await startServer(
      { ...SETTINGS, PINHOLE_PROCESSES: "2", PINHOLE_LOG_DIR: logs },
      { supervised: true },
    );
    const written = (writer: string) => readFile(join(logs, `server.${writer}.log`), "utf8").catch(() => "");
    const writers = ["1", "2", "supervisor"];
    await until(async () => (await Promise.all(writers.map(written))).every((text) => text.includes("\n")));
    await several.stop();
    for (const writer of writers) {
      const lines = (await written(writer)).trim().split("\n");
      for (const line of lines) expect(JSON.parse(line).process).toBe(writer);
    }
  } finally {
    await rm(logs, { recursive: true, force: true });
  }
}, 60_000);

test("PORT=0 cannot be shared", async () => {
  const start = startServer({ ...SETTINGS, PORT: "0" }, { supervised: true });
  expect(await start.then(() => "it started", String)).toContain(
    "PORT: expected a port that PINHOLE_PROCESSES",
  );
});
