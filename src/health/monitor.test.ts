import { describe, expect, test } from "bun:test";
import { statfs } from "node:fs/promises";
import type { Clock } from "../clock.ts";
import {
  above,
  below,
  databaseCheck,
  diskCheck,
  eventLoopCheck,
  memoryCheck,
  queueCheck,
  recorderCheck,
  workersCheck,
} from "./checks.ts";
import { type CheckState, HealthMonitor } from "./monitor.ts";

class StepClock implements Clock {
  time = 0;
  tasks: (() => void)[] = [];
  now = () => this.time;
  wall = () => this.time;
  after(_delayMs: number, task: () => void) {
    this.tasks.push(task);
    return () => void this.tasks.splice(this.tasks.indexOf(task), 1);
  }
}

function monitor(states: { vital?: CheckState; other?: CheckState }) {
  const clock = new StepClock();
  const server = { ready: true, draining: false, runs: 0 };
  const check =
    (state: CheckState = "ok") =>
    () => {
      server.runs++;
      return { state, figure: 1, unit: "x", threshold: 2 };
    };
  const health = new HealthMonitor({
    checks: {
      workers: { vital: true, unit: "x", threshold: 2, run: () => check(states.vital)() },
      database: { vital: false, unit: "x", threshold: 2, run: () => check(states.other)() },
    },
    isReady: () => server.ready,
    isDraining: () => server.draining,
    clock,
  });
  return { health, clock, server };
}

describe("HealthMonitor", () => {
  test.each([
    ["ok", "ok", "healthy", "ok"],
    ["degraded", "ok", "degraded", "degraded"],
    ["ok", "degraded", "degraded", "degraded"],
    ["ok", "unhealthy", "degraded", "degraded"],
    ["unhealthy", "ok", "unhealthy", "degraded"],
  ] as const)("workers %s, database %s: %s, ready %s", async (vital, other, status, ready) => {
    const { health } = monitor({ vital, other });
    expect((await health.report()).status).toBe(status);
    expect(await health.readiness()).toEqual({ ready: true, status: ready });
  });

  test("readiness is of this instant, checks are at most a second old", async () => {
    const { health, server, clock } = monitor({});
    for (let i = 0; i < 5; i++) expect(await health.readiness()).toEqual({ ready: true, status: "ok" });
    await health.report();
    expect(server.runs).toBe(2);
    server.ready = false;
    expect(await health.readiness()).toEqual({ ready: false, status: "not_ready" });
    server.draining = true;
    expect(await health.readiness()).toEqual({ ready: false, status: "draining" });
    expect(await health.report()).toMatchObject({ status: "healthy", ready: false, draining: true });
    clock.time = 1000;
    await health.report();
    expect(server.runs).toBe(4);
    expect(health.uptimeMs).toBe(1000);
  });

  test("a check that throws or never ends is unhealthy, and nothing is left waiting", async () => {
    const clock = new StepClock();
    const health = new HealthMonitor({
      checks: {
        throws: {
          vital: false,
          unit: "ms",
          threshold: 500,
          run: () => {
            throw new Error("gone");
          },
        },
        hangs: { vital: false, unit: "bytes", threshold: null, run: () => new Promise(() => undefined) },
        works: { vital: true, unit: "x", threshold: 2, run: () => below(1, { unit: "x", degraded: 2 }) },
      },
      isReady: () => true,
      isDraining: () => false,
      clock,
    });
    const report = health.report();
    await Bun.sleep(1);
    for (const task of [...clock.tasks]) task();
    const { status, failing, checks } = await report;
    expect(status).toBe("degraded");
    expect(failing).toEqual(["throws", "hangs"]);
    const untold = { state: "unhealthy", figure: null } as const;
    expect(checks).toEqual({
      throws: { ...untold, unit: "ms", threshold: 500, reason: "failed" },
      hangs: { ...untold, unit: "bytes", threshold: null, reason: "timed_out" },
      works: { state: "ok", figure: 1, unit: "x", threshold: 2 },
    });
    expect(health.latest).toEqual(checks);
    expect(clock.tasks).toHaveLength(0);
  });
});

describe("checks", () => {
  test.each([
    [9, "ok"],
    [10, "degraded"],
    [19, "degraded"],
    [20, "unhealthy"],
  ] as const)("below: %d is %s", (figure, state) => {
    expect(below(figure, { unit: "x", degraded: 10, unhealthy: 20 })).toEqual({
      state,
      figure,
      unit: "x",
      threshold: 10,
    });
  });

  test.each([
    [21, "ok"],
    [20, "degraded"],
    [11, "degraded"],
    [10, "unhealthy"],
  ] as const)("above: %d is %s", (figure, state) => {
    expect(above(figure, { unit: "x", degraded: 20, unhealthy: 10 }).state).toBe(state);
  });

  test.each([
    [2, "ok"],
    [1, "degraded"],
    [0, "unhealthy"],
  ] as const)("%d of 2 workers: %s", async (usable, state) => {
    expect((await workersCheck(() => usable, 2).run()).state).toBe(state);
  });

  test("a single worker is all there is, or nothing", async () => {
    expect((await workersCheck(() => 1, 1).run()).state).toBe("ok");
    expect((await workersCheck(() => 0, 1).run()).state).toBe("unhealthy");
  });

  test("a full queue is degraded, never unhealthy", async () => {
    expect(await queueCheck(() => 1, 0.9).run()).toMatchObject({ state: "degraded", threshold: 0.9 });
    expect((await queueCheck(() => 0.89, 0.9).run()).state).toBe("ok");
    expect((await queueCheck(() => 0.5, 0.5).run()).state).toBe("degraded");
  });

  test.each([
    [84, 0.85, "ok"],
    [85, 0.85, "degraded"],
    [95, 0.85, "unhealthy"],
    [96, 0.99, "ok"],
    [99, 0.99, "unhealthy"],
  ] as const)("%d of 100 bytes of memory, degraded from %d on: %s", async (resident, share, state) => {
    expect((await memoryCheck(() => resident, 100, share).run()).state).toBe(state);
  });

  test.each([
    [249.9, "ok"],
    [250, "degraded"],
    [5000, "unhealthy"],
  ] as const)("an event loop %d ms late: %s", async (delayMs, state) => {
    expect(await eventLoopCheck(() => delayMs, 250).run()).toMatchObject({ state, threshold: 250 });
  });

  test("the disk of the data directory: below its share degraded, below its floor unhealthy", async () => {
    const { bavail, bsize, blocks } = await statfs(import.meta.dir);
    const [free, size] = [bavail * bsize, blocks * bsize];
    const check = (freeShare: number, freeBytes: number) =>
      diskCheck(import.meta.dir, { freeShare, freeBytes }).run();
    expect(await check(0, 0)).toMatchObject({ state: "ok", unit: "bytes", threshold: 0 });
    expect((await check(0, 0)).figure).toBeGreaterThan(0);
    expect(await check(1, 0)).toMatchObject({ state: "degraded", threshold: size });
    expect(await check(0, 2 * size)).toMatchObject({ state: "unhealthy", threshold: 2 * size });
    expect(free).toBeLessThanOrEqual(size);
    expect(diskCheck("/no/such/directory", { freeShare: 0, freeBytes: 0 }).run()).rejects.toThrow();
  });

  test("the database must answer, the recorder must be able to write", async () => {
    expect((await databaseCheck(() => undefined, 500).run()).state).toBe("ok");
    const slow = await databaseCheck(() => Bun.sleep(3), 1).run();
    expect(slow).toMatchObject({ state: "degraded", unit: "ms", threshold: 1 });
    const refuse = () => {
      throw new Error("locked");
    };
    expect(databaseCheck(refuse, 500).run()).rejects.toThrow("locked");
    const statistics = () => ({
      waiting: 3,
      written: 0,
      failures: 1,
      dropped: { buffer_full: 0, closed: 0, rejected: 0 },
    });
    expect(await recorderCheck({ healthy: false, statistics }).run()).toMatchObject({
      state: "degraded",
      figure: 3,
    });
    expect((await recorderCheck({ healthy: true, statistics }).run()).state).toBe("ok");
  });
});
