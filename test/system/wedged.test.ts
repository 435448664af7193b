import { describe, expect, test } from "bun:test";
import { plain } from "./pictures.ts";
import { asOperator, type RunningServer, startServer } from "./server.ts";

/**
 * Workers that are stuck in native code. `PINHOLE_TEST_WEDGE_SECONDS=60 bun test test/system/wedged.test.ts
 * --timeout 600000` holds one for a minute; the gate for less.
 */
const WEDGE_SECONDS = Number(process.env.PINHOLE_TEST_WEDGE_SECONDS ?? 8);
const SETTINGS = {
  // Answers at once to a colour; grey holds it.
  PINHOLE_MODELS_DIR: "test/fixtures/wedging-models",
  PINHOLE_MODEL_DEFAULT: "wedges-on-grey",
  PINHOLE_RATE_LIMIT_REQUESTS: "1000000",
  PINHOLE_WORKER_COUNT: "4",
  PINHOLE_DEADLINE_MS: "1500",
  PINHOLE_WORKER_WEDGED_MS: "2500",
  // Every picture goes through a worker.
  PINHOLE_CACHE_ENABLED: "false",
};

function predict(server: RunningServer, picture: Uint8Array<ArrayBuffer>): Promise<Response> {
  const headers = { "Content-Type": "image/png", Prefer: "handling=strict" };
  return fetch(`${server.url}/api/v1/predict`, { method: "POST", body: picture, headers });
}

/** Holds a worker for as long as the picture's level of grey says. */
const hold = async (server: RunningServer, level: number) =>
  predict(server, await plain(level, level, level));

/** The level of grey that holds a worker of this machine for so many seconds, or somewhat longer. */
async function levelFor(seconds: number): Promise<number> {
  const patient = { PINHOLE_DEADLINE_MS: "60000", PINHOLE_WORKER_WEDGED_MS: "0", PINHOLE_WORKER_COUNT: "1" };
  await using server = await startServer({ ...SETTINGS, ...patient });
  const took: number[] = [];
  for (let run = 0; run < 3; run++) {
    const answer = (await (await hold(server, 1)).json()) as { timings_ms: { infer: number } };
    took.push(answer.timings_ms.infer);
  }
  return Math.min(255, Math.ceil((seconds * 1000) / Math.min(...took)));
}

async function metric(server: RunningServer, name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`, asOperator)).text();
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  if (line === undefined) throw new Error(`no metric ${name}`);
  return Number(line.slice(name.length + 1));
}

async function becomes(server: RunningServer, name: string, value: number): Promise<void> {
  while ((await metric(server, name)) !== value) await Bun.sleep(50);
}

const state = (name: string) => `pinhole_workers{state="${name}"}`;
const event = (name: string) => `pinhole_worker_events_total{event="worker_${name}"}`;

describe("workers that are stuck in native code", () => {
  test("one of four: its request gets 504 at its deadline, the others go on, the process lives", async () => {
    const level = await levelFor(WEDGE_SECONDS);
    await using server = await startServer(SETTINGS);
    const startedAt = performance.now();
    const wedged = hold(server, level);
    const red = await plain(255, 0, 0);
    const statuses = new Map<number, number>();
    let ended = false;
    const client = async () => {
      while (!ended) {
        const { status } = await predict(server, red);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        await Bun.sleep(5);
      }
    };
    const clients = [client(), client(), client()];
    expect((await wedged).status).toBe(504);
    const answeredMs = performance.now() - startedAt;
    await becomes(server, state("quarantined"), 1);
    await becomes(server, event("replaced"), 1);
    expect([await metric(server, state("missing")), await metric(server, event("wedged"))]).toEqual([0, 1]);
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);

    // Its batch ends after all: then the thread leaves.
    await becomes(server, event("returned"), 1);
    const heldMs = performance.now() - startedAt;
    await becomes(server, state("quarantined"), 0);
    ended = true;
    await Promise.all(clients);
    console.log(
      `wedged for ${(heldMs / 1000).toFixed(1)} s; 504 after ${(answeredMs / 1000).toFixed(1)} s; meanwhile:`,
      Object.fromEntries(statuses),
    );
    expect([...statuses.keys()]).toEqual([200]);
    expect(heldMs).toBeGreaterThan(2500);
    for (const text of ["worker wedged", "worker replaced", "worker returned"]) await server.said(text);
    expect(await server.stop()).toBe(0);
  }, 600_000);

  test("a drain beside a wedged thread ends well: it is left behind, and the exit code is 0", async () => {
    await using server = await startServer(SETTINGS);
    expect((await hold(server, 255)).status).toBe(504);
    await becomes(server, event("replaced"), 1);
    server.signal("SIGTERM");
    expect(await server.exited).toBe(0);
    expect(await server.log()).toContain('"closed":true');
  }, 120_000);

  test("a drain while a batch is stuck gives up in its time, without an abort", async () => {
    await using server = await startServer({
      ...SETTINGS,
      PINHOLE_WORKER_WEDGED_MS: "600000",
      PINHOLE_DRAIN_TIMEOUT_MS: "500",
    });
    expect((await hold(server, 255)).status).toBe(504);
    server.signal("SIGTERM");
    expect(await server.exited).toBe(1);
  }, 120_000);

  test("more than half of them: not ready, drained, exit 1", async () => {
    await using server = await startServer({
      ...SETTINGS,
      PINHOLE_DEADLINE_MS: "500",
      PINHOLE_WORKER_WEDGED_MS: "700",
      PINHOLE_DRAIN_DELAY_MS: "1000",
    });
    for (let wedged = 1; wedged <= 3; wedged++) {
      expect((await hold(server, 252 + wedged)).status).toBe(504);
      if (wedged < 3) await becomes(server, event("replaced"), wedged);
    }
    let ready = 200;
    while (ready === 200) ready = (await fetch(`${server.url}/health/ready`)).status;
    expect(ready).toBe(503);
    expect((await predict(server, await plain(255, 0, 0))).status).toBe(503);
    expect(await server.exited).toBe(1);
    const log = await server.log();
    expect(log).toContain("too many threads are wedged");
    expect(log).toContain('"answered":true,"closed":true');
  }, 120_000);
});

test("workers are recycled under load, and nobody notices", async () => {
  await using server = await startServer({
    ...SETTINGS,
    PINHOLE_WORKER_COUNT: "2",
    PINHOLE_DEADLINE_MS: "30000",
    PINHOLE_WORKER_WEDGED_MS: "0",
    PINHOLE_WORKER_RECYCLE_BATCHES: "20",
  });
  const red = await plain(255, 0, 0);
  let recycled = 0;
  while (recycled < 3) {
    const answers = await Promise.all(Array.from({ length: 8 }, () => predict(server, red)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    recycled = await metric(server, event("recycled"));
    expect(await metric(server, state("missing"))).toBe(0);
  }
  await becomes(server, state("leaving"), 0);
  expect(await metric(server, event("lost"))).toBe(0);
  expect(await server.stop()).toBe(0);
}, 120_000);
