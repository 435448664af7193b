import { describe, expect, test } from "bun:test";
import type { Clock } from "../clock.ts";
import {
  above,
  below,
  databaseCheck,
  diskCheck,
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
      workers: { vital: true, run: () => check(states.vital)() },
      database: { vital: false, run: () => check(states.other)() },
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
          run: () => {
            throw new Error("gone");
          },
        },
        hangs: { vital: false, run: () => new Promise(() => undefined) },
        works: { vital: true, run: () => below(1, { unit: "x", degraded: 2 }) },
      },
      isReady: () => true,
      isDraining: () => false,
      clock,
    });
    const report = health.report();
    await Bun.sleep(1);
    for (const task of [...clock.tasks]) task();
    const { status, checks } = await report;
    expect(status).toBe("degraded");
    expect([checks.throws!.state, checks.hangs!.state, checks.works!.state]).toEqual([
      "unhealthy",
      "unhealthy",
      "ok",
    ]);
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
    expect((await queueCheck(() => 100, 100).run()).state).toBe("degraded");
    expect((await queueCheck(() => 89, 100).run()).state).toBe("ok");
  });

  test("memory is measured against its limit, or the machine where there is none", async () => {
    expect((await memoryCheck(() => 90, 100).run()).state).toBe("degraded");
    expect((await memoryCheck(() => 96, 100).run()).state).toBe("unhealthy");
    for (const none of [0, 2 ** 64]) expect((await memoryCheck(() => 96, none).run()).state).toBe("ok");
  });

  test("the disk of the data directory has free bytes", async () => {
    const { figure, unit } = await diskCheck(import.meta.dir).run();
    expect(figure).toBeGreaterThan(0);
    expect(unit).toBe("bytes");
    expect(diskCheck("/no/such/directory").run()).rejects.toThrow();
  });

  test("the database must answer, the recorder must be able to write", async () => {
    expect((await databaseCheck(() => undefined).run()).state).toBe("ok");
    const refuse = () => {
      throw new Error("locked");
    };
    expect(databaseCheck(refuse).run()).rejects.toThrow("locked");
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
