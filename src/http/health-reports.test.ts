import { describe, expect, test } from "bun:test";
import { createApp } from "./app.ts";
import { jsonOf, OPERATOR_TOKEN, testServices } from "./fakes.ts";

function start(options: Parameters<typeof testServices>[0] = {}) {
  const limits: number[] = [];
  const latest = (limit: number) => {
    limits.push(limit);
    return [{ createdAt: 0, status: "healthy" as const, checks: {} }];
  };
  const world = testServices({ ...options, services: { healthHistory: { latest }, ...options.services } });
  const app = createApp(world.services);
  const get = (path: string) =>
    app.handle(
      new Request(`http://localhost${path}`, { headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } }),
    );
  return { ...world, get, limits };
}

describe("/health/detailed", () => {
  test("names what fails, with figure and threshold, and is 503 only when unhealthy", async () => {
    const checks = { disk: { state: "degraded" as const, figure: 5, unit: "bytes", threshold: 10 } };
    const report = { ready: true, draining: false, failing: ["disk"], checks };
    const { get, services } = start();
    services.health.report = async () => ({ status: "degraded", ...report });
    const degraded = await get("/health/detailed");
    expect(degraded.status).toBe(200);
    expect(await jsonOf(degraded)).toMatchObject({ status: "degraded", failing: ["disk"], checks });
    services.health.report = async () => ({ status: "unhealthy", ...report });
    expect((await get("/health/detailed")).status).toBe(503);
  });
});

describe("/health/history", () => {
  test.each([
    ["", 100],
    ["?limit=1", 1],
    ["?limit=1000", 1000],
  ])("%p reads as many reports as asked for", async (query, limit) => {
    const { get, limits } = start();
    const { reports } = await jsonOf(await get(`/health/history${query}`));
    expect(reports).toEqual([{ created_at: "1970-01-01T00:00:00.000Z", status: "healthy", checks: {} }]);
    expect(limits).toEqual([limit]);
  });

  test.each(["0", "1001", "x", "1&limit=2"])("a limit of %s is refused", async (limit) => {
    const { get, limits } = start();
    const response = await get(`/health/history?limit=${limit}`);
    expect(response.status).toBe(422);
    expect(await jsonOf(response)).toMatchObject({
      error: "VALIDATION_FAILED",
      errors: [{ path: "limit" }],
    });
    expect(limits).toEqual([]);
  });
});

test("/health/metrics tells what the document says, rounded", async () => {
  const { process, admission } = await jsonOf(await start().get("/health/metrics"));
  expect(process.event_loop_delay_mean_ms).toBe(0.123);
  expect(Number.isInteger(process.resident_bytes)).toBe(true);
  expect(Date.parse(process.started_at)).not.toBeNaN();
  expect(admission).toMatchObject({ waiting_images: 2, waiting_limit_images: 20, wait_limit_ms: null });
  expect(admission).toMatchObject({ in_flight_limit_images: 4, in_flight_baseline_ms: 80.5 });
});
