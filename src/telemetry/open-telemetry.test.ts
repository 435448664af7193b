import { describe, expect, test } from "bun:test";
import { startOtlp } from "../../test/stubs/otlp.ts";
import { systemClock } from "../clock.ts";
import { ConfigError } from "../config.ts";
import { OpenTelemetryTracing, tracesUrl } from "./open-telemetry.ts";
import { StageClock } from "./stages.ts";
import type { EndedTrace } from "./tracing.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

const tracing = (endpoint: string, sampleRatio = 1) =>
  new OpenTelemetryTracing({
    endpoint,
    sampleRatio,
    version: "1.2.3",
    environment: "staging",
    clock: systemClock,
  });

const ENDED: EndedTrace = {
  route: "/api/v1/predict",
  method: "POST",
  status: 200,
  requestId: "r-1",
  code: null,
  model: "leaf-disease/1.0.0",
  confidence: "HIGH",
  cached: false,
};

describe("a request", () => {
  test("is a server span with one span for each stay at a station below it", async () => {
    using collector = startOtlp();
    const traces = tracing(collector.endpoint);
    const trace = traces.start(new Headers());
    const stages = new StageClock(systemClock, trace.onStay);
    stages.timeSync("validate", () => Bun.sleepSync(5));
    await stages.time("read", () => Bun.sleep(5));
    const now = systemClock.now();
    stages.stay("infer", now - 2, now);
    trace.end(ENDED);
    await traces.close(5000);

    expect(collector.requests.map(({ path, type }) => [path, type])).toEqual([
      ["/v1/traces", "application/json"],
    ]);
    const root = collector.spans.find(({ parentSpanId }) => !parentSpanId)!;
    expect(root).toMatchObject({
      name: "POST /api/v1/predict",
      kind: 2,
      status: 0,
      traceId: trace.traceId,
      attributes: {
        "http.request.method": "POST",
        "http.route": "/api/v1/predict",
        "http.response.status_code": 200,
        "pinhole.request_id": "r-1",
        "pinhole.model": "leaf-disease/1.0.0",
        "pinhole.confidence_status": "HIGH",
        "pinhole.cached": false,
      },
      resource: {
        "service.name": "pinhole",
        "service.version": "1.2.3",
        "deployment.environment.name": "staging",
      },
    });
    expect(trace.response).toBe(`00-${root.traceId}-${root.spanId}-01`);
    const children = collector.spans.filter((span) => span !== root);
    expect(children.map(({ name }) => name).sort()).toEqual(["infer", "read", "validate"]);
    for (const child of children) {
      expect([child.traceId, child.parentSpanId]).toEqual([root.traceId, root.spanId]);
      // Half a millisecond is what the wall clock's whole ones allow.
      expect(child.start).toBeGreaterThanOrEqual(root.start);
      expect(child.end).toBeLessThanOrEqual(root.end + 500_000n);
      expect(child.end).toBeGreaterThan(child.start);
    }
    expect(traces.statistics()).toEqual({ exported: 4, failed: 0 });
  });

  test("that failed by our fault is an error, and a refused one is not", async () => {
    using collector = startOtlp();
    const traces = tracing(collector.endpoint);
    traces.start(new Headers()).end({ ...ENDED, status: 500, code: "INTERNAL_ERROR", model: null });
    traces.start(new Headers()).end({ ...ENDED, status: 429, code: "RATE_LIMIT_EXCEEDED" });
    traces.start(new Headers()).end({ ...ENDED, method: "INVENTED", route: "unmatched", status: 405 });
    await traces.close(5000);
    expect(
      collector.spans.map(({ name, status, attributes }) => [name, status, attributes["error.type"]]),
    ).toEqual([
      ["POST /api/v1/predict", 2, "INTERNAL_ERROR"],
      ["POST /api/v1/predict", 0, "RATE_LIMIT_EXCEEDED"],
      ["HTTP unmatched", 0, undefined],
    ]);
  });
});

describe("the caller's context", () => {
  test("is the parent, and its state is passed on", async () => {
    using collector = startOtlp();
    const traces = tracing(collector.endpoint, 0);
    const headers = new Headers({
      traceparent: `00-${TRACE}-${PARENT}-01`,
      tracestate: "vendor=abc,other=1",
    });
    const trace = traces.start(headers);
    trace.end(ENDED);
    await traces.close(5000);
    expect(trace.traceId).toBe(TRACE);
    expect(trace.response).toMatch(new RegExp(`^00-${TRACE}-(?!${PARENT})[0-9a-f]{16}-01$`));
    expect(collector.spans).toHaveLength(1);
    expect(collector.spans[0]).toMatchObject({
      traceId: TRACE,
      parentSpanId: PARENT,
      traceState: "vendor=abc,other=1",
    });
  });

  test("that is not sampled is heeded: nothing is recorded or sent, the trace id is kept", async () => {
    using collector = startOtlp();
    const traces = tracing(collector.endpoint, 1);
    const trace = traces.start(new Headers({ traceparent: `00-${TRACE}-${PARENT}-00` }));
    expect([trace.traceId, trace.onStay]).toEqual([TRACE, undefined]);
    expect(trace.response).toEndWith("-00");
    trace.end(ENDED);
    await traces.close(5000);
    expect(collector.requests).toEqual([]);
  });

  test.each([
    "",
    "garbage",
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-more`,
  ])("%p is none: a trace begins here", (traceparent) => {
    const trace = tracing("http://127.0.0.1:1").start(new Headers({ traceparent }));
    expect(trace.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(trace.traceId).not.toBe(TRACE);
  });
});

test("the sample ratio decides where the caller did not", async () => {
  using collector = startOtlp();
  const count = async (ratio: number) => {
    const traces = tracing(collector.endpoint, ratio);
    const before = collector.spans.length;
    for (let n = 0; n < 400; n++) traces.start(new Headers()).end(ENDED);
    await traces.close(5000);
    return collector.spans.length - before;
  };
  expect(await count(0)).toBe(0);
  expect(await count(1)).toBe(400);
  // Six standard deviations around 100.
  expect(await count(0.25)).toBeWithin(48, 153);
});

describe("a collector in trouble", () => {
  const send = async (endpoint: string, timeoutMs: number) => {
    const traces = tracing(endpoint);
    traces.start(new Headers()).end(ENDED);
    await traces.close(timeoutMs);
    return traces.statistics();
  };

  test("that is not there is counted", async () => {
    const collector = startOtlp();
    collector[Symbol.dispose]();
    expect(await send(collector.endpoint, 10_000)).toEqual({ exported: 0, failed: 1 });
  });

  test("that refuses is counted", async () => {
    using collector = startOtlp(() => new Response("no", { status: 400 }));
    expect(await send(collector.endpoint, 10_000)).toEqual({ exported: 0, failed: 1 });
  });

  test("that never answers holds the end up no longer than it may", async () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    using collector = startOtlp(() => promise);
    const statistics = await send(collector.endpoint, 50);
    expect(statistics.exported).toBe(0);
    resolve(Response.json({}));
  });
});

describe("the endpoint", () => {
  test.each([
    ["http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"],
    ["http://collector/", "http://collector/v1/traces"],
    ["https://collector/otlp", "https://collector/otlp/v1/traces"],
    ["https://collector/otlp/v1/traces", "https://collector/otlp/v1/traces"],
  ])("%s", (endpoint, url) => {
    expect(tracesUrl(endpoint)).toBe(url);
  });

  test.each(["collector:4318", "grpc://collector", "", "http://user:password@collector"])(
    "%p is refused, and no password shown",
    (endpoint) => {
      expect(() => tracesUrl(endpoint)).toThrow(ConfigError);
      expect(() => tracesUrl(endpoint)).not.toThrow("password@");
    },
  );
});
