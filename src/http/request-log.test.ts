import { describe, expect, test } from "bun:test";
import { PinholeError } from "../errors.ts";
import type { PredictAnswer, PredictCall } from "../inference/prediction.ts";
import type { LogLevel } from "../telemetry/log.ts";
import type { EndedTrace } from "../telemetry/tracing.ts";
import { createApp } from "./app.ts";
import { ANSWER, testServices } from "./fakes.ts";

function start(
  options: Parameters<typeof testServices>[0] & {
    level?: LogLevel;
    walk?: (call: PredictCall, world: ReturnType<typeof testServices>) => PredictAnswer;
  } = {},
) {
  const { level = "info", walk, ...rest } = options;
  const world = testServices({ ...rest, predict: (call) => (walk ?? (() => ANSWER))(call, world) });
  world.services.logs.level = level;
  const app = createApp(world.services);
  const send = async (method: string, path: string, init: RequestInit = {}) => {
    const response = await app.handle(new Request(`http://localhost${path}`, { method, ...init }));
    const body = await response.text();
    // Lines are written once the answer is on its way.
    while (world.requestLines.length === 0 && level !== "silent") await Bun.sleep(1);
    return { response, body };
  };
  const lines = (stream: string) => world.requestLines.filter((line) => line.stream === stream);
  return { ...world, send, lines };
}

const photograph = { body: "x".repeat(12), headers: { "content-length": "12", "x-request-id": "r-1" } };

describe("access", () => {
  test("a prediction", async () => {
    const { send, lines } = start({
      walk: ({ trace }, { clock }) => {
        trace.modelKey = "leaf-disease/1.0.0";
        clock.time += 7.1234567;
        return ANSWER;
      },
    });
    const { body } = await send("POST", "/api/v1/predict", photograph);
    expect(lines("access")).toEqual([
      {
        level: "info",
        time: expect.any(String),
        service: "pinhole",
        stream: "access",
        request_id: "r-1",
        client: "hash-of-unknown",
        method: "POST",
        route: "/api/v1/predict",
        status: 200,
        duration_ms: 7.123,
        received_bytes: 12,
        sent_bytes: Buffer.byteLength(body),
        model: "leaf-disease/1.0.0",
        msg: "request",
      },
    ]);
  });

  test.each([
    ["GET", "/health", {}, { route: "/health", status: 200 }],
    ["HEAD", "/health", {}, { route: "/health", status: 200, sent_bytes: 0 }],
    ["GET", "/nope/secret", {}, { route: "unmatched", status: 404, code: "NOT_FOUND" }],
    ["PUT", "/health", {}, { route: "unmatched", status: 405, code: "METHOD_NOT_ALLOWED" }],
    ["GET", "/metrics", {}, { route: "/metrics", status: 401, code: "UNAUTHENTICATED" }],
    ["POST", "/api/v1/predict?top_k=0", { body: "x" }, { status: 422, code: "VALIDATION_FAILED" }],
    ["GET", "/swagger/assets/init.js", {}, { route: "/swagger/assets/:file", status: 200 }],
  ])("%s %s", async (method, path, init, expected) => {
    const { send, lines } = start();
    const { body } = await send(method, path, init);
    const [line, ...more] = lines("access");
    expect(more).toEqual([]);
    expect(line).toMatchObject({ method, ...expected });
    if (line!.sent_bytes !== null && method !== "HEAD")
      expect(line!.sent_bytes as number).toBe(Buffer.byteLength(body));
    expect(JSON.stringify(line)).not.toContain("secret");
  });

  test("a host that is not ours has its line, too", async () => {
    const { send, lines } = start({ config: { hostsAllowed: ["pinhole.example"] } });
    await send("GET", "/api/v1/models");
    expect(lines("access")[0]).toMatchObject({ status: 421, code: "MISDIRECTED_REQUEST" });
  });

  test.each(["warn", "silent"] as const)("nothing at %s", async (level) => {
    const { services, requestLines } = testServices();
    services.logs.level = level;
    await createApp(services).handle(new Request("http://localhost/health"));
    await Bun.sleep(20);
    expect(requestLines).toEqual([]);
  });
});

describe("inference", () => {
  test("a prediction with its model, class, confidence and stages", async () => {
    const { send, lines } = start();
    await send("POST", "/api/v1/predict", photograph);
    expect(lines("inference")).toHaveLength(1);
    expect(lines("inference")[0]).toMatchObject({
      request_id: "r-1",
      client: "hash-of-unknown",
      prediction_id: ANSWER.predictionId,
      model: "leaf-disease/1.0.0",
      class: "rust",
      prob: 0.973123,
      confidence: "HIGH",
      images: 2,
      cached: false,
      fallback: false,
      timings_ms: { limit: 0, read: 1.235, infer: 2, total: 3.5 },
      msg: "prediction",
    });
  });

  test("none where there is no prediction", async () => {
    const { send, lines } = start({
      walk: () => {
        throw new PinholeError("INVALID_IMAGE", "It is torn.");
      },
    });
    await send("POST", "/api/v1/predict", photograph);
    expect(lines("access")[0]).toMatchObject({ status: 422, code: "INVALID_IMAGE" });
    expect(lines("inference")).toEqual([]);
  });
});

describe("slow_request", () => {
  const taking = (ms: number, fail = false) =>
    start({
      level: "warn",
      config: { logSlowRequestMs: 500 },
      walk: ({ trace }, { clock, requestLines }) => {
        trace.stages.record("decode", 400);
        clock.time += ms;
        if (ms <= 500) requestLines.push({ stream: "none" });
        if (fail) throw new PinholeError("DEADLINE_EXCEEDED", "Too late.");
        return { ...ANSWER, timings: { decode: 400, total: ms } };
      },
    });

  test("one that took longer than it may, with its stages, even where access is not logged", async () => {
    const { send, lines } = taking(501);
    await send("POST", "/api/v1/predict", photograph);
    expect(lines("access")).toEqual([]);
    expect(lines("slow_request")).toHaveLength(1);
    expect(lines("slow_request")[0]).toMatchObject({
      level: "warn",
      request_id: "r-1",
      duration_ms: 501,
      timings_ms: { decode: 400, total: 501 },
    });
  });

  test("one that failed has the stages that ran", async () => {
    const { send, lines } = taking(600, true);
    await send("POST", "/api/v1/predict", photograph);
    expect(lines("slow_request")[0]).toMatchObject({
      status: 504,
      code: "DEADLINE_EXCEEDED",
      timings_ms: { decode: 400, total: 600 },
    });
  });

  test("none that was in time", async () => {
    const { send, lines } = taking(500);
    await send("POST", "/api/v1/predict", photograph);
    await Bun.sleep(20);
    expect(lines("slow_request")).toEqual([]);
  });
});

describe("with tracing", () => {
  test("lines carry the trace, the answer names it, and its end is told without the client", async () => {
    const ended: EndedTrace[] = [];
    const stays: string[] = [];
    const tracing = {
      start: () => ({
        traceId: "t".repeat(32),
        response: "00-trace-span-01",
        onStay: (stage: string) => void stays.push(stage),
        end: (one: EndedTrace) => void ended.push(one),
      }),
      statistics: () => ({ exported: 0, failed: 0 }),
      close: async () => undefined,
    };
    const { send, lines, requestLines } = start({
      services: { tracing },
      walk: ({ trace }) => {
        trace.modelKey = "leaf-disease/1.0.0";
        trace.stages.timeSync("validate", () => undefined);
        return ANSWER;
      },
    });
    const { response } = await send("POST", "/api/v1/predict", photograph);
    expect(response.headers.get("traceresponse")).toBe("00-trace-span-01");
    expect([lines("access")[0]!.trace_id, lines("inference")[0]!.trace_id]).toEqual([
      "t".repeat(32),
      "t".repeat(32),
    ]);
    expect(stays).toEqual(["validate"]);
    expect(ended).toEqual([
      {
        route: "/api/v1/predict",
        method: "POST",
        status: 200,
        requestId: "r-1",
        code: null,
        model: "leaf-disease/1.0.0",
        confidence: "HIGH",
        cached: false,
      },
    ]);
    requestLines.splice(0);
    await send("GET", "/nope");
    expect(ended.at(-1)).toMatchObject({ route: "unmatched", status: 404, code: "NOT_FOUND", model: null });
  });

  test("without it there is no such header and no such field", async () => {
    const { send, lines } = start();
    const { response } = await send("GET", "/health", {
      headers: { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` },
    });
    expect(response.headers.has("traceresponse")).toBe(false);
    expect(lines("access")[0]).not.toHaveProperty("trace_id");
  });
});
