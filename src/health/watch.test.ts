import { expect, test } from "bun:test";
import { below } from "./checks.ts";
import type { HealthReport } from "./monitor.ts";
import { type CheckChange, HealthWatch } from "./watch.ts";

function watch() {
  const server = { delayMs: 1, broken: false };
  const kept: HealthReport[] = [];
  const changes: CheckChange[] = [];
  const report = async (): Promise<HealthReport> => {
    const checks = { event_loop: below(server.delayMs, { unit: "ms", degraded: 250, unhealthy: 5000 }) };
    return { status: "healthy", ready: true, draining: false, failing: [], checks };
  };
  const keep = (made: HealthReport) => {
    if (server.broken) throw new Error("disk full");
    kept.push(made);
  };
  const health = new HealthWatch({ monitor: { report }, keep, onChange: (change) => changes.push(change) });
  return { health, server, kept, changes };
}

test("keeps every report, and tells of a check when it changes, with figure and threshold", async () => {
  const { health, server, kept, changes } = watch();
  await health.run();
  expect(changes).toEqual([]);
  server.delayMs = 300;
  await health.run();
  await health.run();
  const threshold = { unit: "ms", threshold: 250 };
  expect(changes).toEqual([{ check: "event_loop", was: "ok", state: "degraded", figure: 300, ...threshold }]);
  server.delayMs = 2;
  await health.run();
  expect(changes[1]).toEqual({ check: "event_loop", was: "degraded", state: "ok", figure: 2, ...threshold });
  expect(changes).toHaveLength(2);
  expect(kept).toHaveLength(4);
});

test("what is wrong from the start is told, also when the report cannot be kept", async () => {
  const { health, server, changes } = watch();
  server.delayMs = 9999;
  server.broken = true;
  expect(health.run()).rejects.toThrow("disk full");
  await Bun.sleep(0);
  expect(changes).toMatchObject([{ check: "event_loop", was: "ok", state: "unhealthy" }]);
});
