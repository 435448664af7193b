import { expect, test } from "bun:test";
import { STAGES } from "../../src/telemetry/stages.ts";
import { startOtlp } from "../stubs/otlp.ts";
import { plain } from "./pictures.ts";
import { asOperator, type RunningServer, startServer } from "./server.ts";

const SMALL_MODELS = { PINHOLE_MODELS_DIR: "test/fixtures/models", PINHOLE_MODEL_DEFAULT: "rgb-float32" };
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

const predict = (server: RunningServer, body: Uint8Array<ArrayBuffer>, headers = {}) =>
  fetch(`${server.url}/api/v1/predict`, {
    method: "POST",
    body,
    headers: { "Content-Type": "image/png", ...headers },
  });

/** Ends it and gives its exit code; what it wrote can still be read. */
async function ended(server: RunningServer): Promise<number> {
  server.signal("SIGTERM");
  return server.exited;
}

test("a prediction is a trace: the caller's, one span for the request and one for each station", async () => {
  using collector = startOtlp();
  await using server = await startServer({ ...SMALL_MODELS, PINHOLE_OTLP_ENDPOINT: collector.endpoint });
  const response = await predict(server, await plain(255, 0, 0), {
    traceparent: `00-${TRACE}-${PARENT}-01`,
    tracestate: "vendor=abc",
    "X-Request-Id": "traced",
    "X-Forwarded-For": "203.0.113.9",
  });
  expect(response.status).toBe(200);
  const [, traceId, spanId, flags] = response.headers.get("traceresponse")!.split("-");
  expect([traceId, flags]).toEqual([TRACE, "01"]);
  // What waits is sent at the end.
  expect(await ended(server)).toBe(0);

  const spans = collector.spans.filter((span) => span.traceId === TRACE);
  const root = spans.find((span) => span.spanId === spanId)!;
  expect(root).toMatchObject({
    name: "POST /api/v1/predict",
    kind: 2,
    parentSpanId: PARENT,
    traceState: "vendor=abc",
    attributes: {
      "http.response.status_code": 200,
      "pinhole.request_id": "traced",
      "pinhole.model": "rgb-float32/1.1.0",
      "pinhole.cached": false,
    },
    resource: { "service.name": "pinhole", "deployment.environment.name": "development" },
  });
  const children = spans.filter((span) => span !== root);
  expect([...new Set(children.map(({ name }) => name))].sort()).toEqual([...STAGES].sort());
  for (const child of children) {
    expect(child.parentSpanId).toBe(root.spanId);
    expect(child.start).toBeGreaterThanOrEqual(root.start);
    expect(child.end).toBeLessThanOrEqual(root.end);
  }
  // In the order of the walk: each station begins where the one before it may have ended.
  const starts = ["limit", "read", "validate", "decode", "infer", "postprocess"].map(
    (name) => children.find((child) => child.name === name)!.start,
  );
  expect(starts).toEqual([...starts].sort((a, b) => (a < b ? -1 : 1)));
  const lines = (await server.said('"traced"', 2)).split("\n").filter((line) => line.includes('"traced"'));
  expect(lines.length).toBeGreaterThanOrEqual(2);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ trace_id: TRACE });
  expect(collector.requests.map(({ body }) => body).join()).not.toMatch(/203\.0\.113|127\.0\.0\.1/);
});

test("refusals are traced, too, and what the caller does not sample is not", async () => {
  using collector = startOtlp();
  await using server = await startServer({ ...SMALL_MODELS, PINHOLE_OTLP_ENDPOINT: collector.endpoint });
  await predict(server, new Uint8Array(10), { traceparent: `00-${TRACE}-${PARENT}-01` });
  const unsampled = "b".repeat(32);
  await predict(server, await plain(255, 0, 0), { traceparent: `00-${unsampled}-${PARENT}-00` });
  expect(await ended(server)).toBe(0);
  const ours = collector.spans.filter((span) => span.traceId === TRACE && span.kind === 2);
  expect(ours.map(({ status, attributes }) => [status, attributes["error.type"]])).toEqual([
    [0, "UNSUPPORTED_IMAGE_TYPE"],
  ]);
  expect(collector.spans.filter((span) => span.traceId === unsampled)).toEqual([]);
});

test("off: no header, nothing sent; a collector that is away costs nothing but its spans, which are counted", async () => {
  const red = await plain(255, 0, 0);
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
  await using off = await startServer(SMALL_MODELS);
  expect((await predict(off, red, headers)).headers.has("traceresponse")).toBe(false);

  const gone = startOtlp();
  gone[Symbol.dispose]();
  await using server = await startServer({
    ...SMALL_MODELS,
    PINHOLE_OTLP_ENDPOINT: gone.endpoint,
    PINHOLE_DRAIN_TIMEOUT_MS: "500",
  });
  expect((await predict(server, red, headers)).status).toBe(200);
  const failed = async () => {
    const text = await (await fetch(`${server.url}/metrics`, asOperator)).text();
    return Number(/^pinhole_trace_spans_total\{outcome="failed"\} (\d+)/m.exec(text)![1]);
  };
  while ((await failed()) === 0) await Bun.sleep(50);
  expect((await predict(server, red)).status).toBe(200);
  expect(await ended(server)).toBe(0);
});

test("an endpoint that is none stops the start", async () => {
  const message = await startServer({ PINHOLE_OTLP_ENDPOINT: "127.0.0.1:4318" }).then(
    () => "started",
    String,
  );
  expect(message).toContain("PINHOLE_OTLP_ENDPOINT: expected an http or https URL");
});
