import { describe, expect, test } from "bun:test";
import { createApp } from "./app.ts";
import { jsonOf, OPERATOR_TOKEN, testServices } from "./fakes.ts";

function start() {
  const world = testServices();
  const app = createApp(world.services);
  const send = (method: string, body?: RequestInit["body"], type: string | null = "application/json") => {
    const headers = new Headers({ authorization: `Bearer ${OPERATOR_TOKEN}` });
    if (type !== null) headers.set("content-type", type);
    return app.handle(new Request("http://localhost/api/v1/admin/log-level", { method, body, headers }));
  };
  return { ...world, send };
}

const LEVELS = ["debug", "info", "warn", "error", "silent"];

test("the level is told, changed for all streams, and told again", async () => {
  const { send, services, orders } = start();
  expect(await jsonOf(await send("GET"))).toEqual({ level: "info", configured: "info", levels: LEVELS });
  for (const level of LEVELS) {
    const response = await send("PUT", JSON.stringify({ level }), "application/json; charset=utf-8");
    expect(response.status).toBe(200);
    expect(await jsonOf(response)).toEqual({ level, configured: "info", levels: LEVELS });
    const { access, inference, slowRequest, server } = services.logs;
    expect([access, inference, slowRequest, server].map((logger) => logger.level)).toEqual(
      Array(4).fill(level),
    );
  }
  expect(await jsonOf(await send("GET"))).toMatchObject({ level: "silent" });
  expect(orders).toMatchObject(LEVELS.map((level) => ({ kind: "log_level", level })));
});

describe("refused, and nothing changes", () => {
  test.each([
    ['{"level":"loud"}', 422, "level"],
    ['{"level":"INFO"}', 422, "level"],
    ['{"level":3}', 422, "level"],
    ['{"level":null}', 422, "level"],
    ['{"level":["debug"]}', 422, "level"],
    ["{}", 422, "level"],
    ["[]", 422, "level"],
    ["null", 422, "level"],
    ['"debug"', 422, "level"],
    ['{"level":"debug","for":"ever"}', 422, "for"],
  ])("%s", async (body, status, path) => {
    const { send, services } = start();
    const response = await send("PUT", body);
    expect(response.status).toBe(status);
    expect(await jsonOf(response)).toMatchObject({
      error: "VALIDATION_FAILED",
      errors: [{ path, expected: expect.any(String), received: expect.any(String) }],
    });
    expect(services.logs.level).toBe("info");
  });

  test("an unknown level is told which there are", async () => {
    const body = await jsonOf(await start().send("PUT", '{"level":"loud"}'));
    expect(body.errors).toEqual([
      { path: "level", expected: "debug, info, warn, error, silent", received: '"loud"' },
    ]);
  });

  test.each([
    ["no JSON", "level=debug", "application/json", 400, "INVALID_REQUEST"],
    ["nothing", undefined, "application/json", 400, "INVALID_REQUEST"],
    ["no UTF-8", new Uint8Array([0x22, 0xff, 0x22]), "application/json", 400, "INVALID_REQUEST"],
    ["another type", '{"level":"debug"}', "text/plain", 400, "INVALID_REQUEST"],
    ["no type", '{"level":"debug"}', null, 400, "INVALID_REQUEST"],
    ["too much", `{"level":"debug"}${" ".repeat(4096)}`, "application/json", 413, "FILE_TOO_LARGE"],
  ])("%s", async (_name, body, type, status, error) => {
    const { send, services } = start();
    const response = await send("PUT", body, type);
    expect([response.status, (await jsonOf(response)).error]).toEqual([status, error]);
    expect(services.logs.level).toBe("info");
  });
});
