import { describe, expect, test } from "bun:test";
import { ClientGone } from "../../admission/drop.ts";
import { PinholeError } from "../../errors.ts";
import { createApp } from "../app.ts";
import { ANSWER, jsonOf, TestLimits, testServices } from "../fakes.ts";

function start(options: Parameters<typeof testServices>[0] = {}) {
  const world = testServices(options);
  const app = createApp(world.services);
  const predict = (query = "", init: RequestInit = {}) =>
    app.handle(
      new Request(`http://localhost/api/v1/predict${query}`, { method: "POST", body: "x", ...init }),
    );
  return { ...world, predict };
}

describe("the answer", () => {
  test("is the contract's JSON", async () => {
    const response = await start().predict();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    const body = await response.json();
    const prediction = {
      class_id: "rust",
      class_name: "Rust",
      prob: 0.973123,
      description: "Orange spots.",
      advice: null,
    };
    expect(body).toEqual({
      request_id: response.headers.get("x-request-id"),
      prediction_id: ANSWER.predictionId,
      model: ANSWER.model,
      predictions: [prediction],
      confidence_status: "HIGH",
      retake_message: null,
      images: [
        {
          filename: "leaf.jpg",
          status: "ok",
          format: "jpeg",
          width: 640,
          height: 480,
          predictions: [prediction],
          unknown: false,
          quality: { sharpness: 0.812, brightness: 0.5, issues: [] },
          explanation: null,
        },
        {
          filename: null,
          status: "error",
          error: {
            error: "FILE_TOO_LARGE",
            status: 413,
            title: "Too many bytes",
            detail: "Too large.",
            message: "Too large.",
            max_size_mb: 10,
          },
        },
      ],
      cached: false,
      timings_ms: { limit: 0, read: 1.235, infer: 2, total: 3.5 },
    });
  });

  test("says when it is a fallback, and only then", async () => {
    const { predict, services } = start({ predict: () => ({ ...ANSWER, fallback: true }) });
    expect(await (await predict()).json()).toHaveProperty("fallback", true);
    const { body } = await services.metrics.exposition();
    expect(body).toContain('pinhole_fallback_answers_total{model="leaf-disease/1.0.0"} 1');
    expect(body).not.toMatch(/^pinhole_predictions_total\{.*\} [1-9]/m);
  });

  test("tells its stages to the client and the metrics alike", async () => {
    const { predict, services } = start();
    expect((await predict()).headers.get("server-timing")).toBe(
      "limit;dur=0, read;dur=1.235, infer;dur=2, total;dur=3.5",
    );
    const { body } = await services.metrics.exposition();
    expect(body).toContain('pinhole_stage_duration_seconds_sum{stage="infer"} 0.002');
    expect(body).toContain('pinhole_stage_duration_seconds_count{stage="decode"} 0');
    expect(body).toContain('pinhole_predictions_total{model="leaf-disease/1.0.0",confidence="HIGH"} 1');
    expect(body).toContain('pinhole_images_total{outcome="ok"} 1');
    expect(body).toContain('pinhole_images_total{outcome="FILE_TOO_LARGE"} 1');
  });
});

describe("what is read of the request", () => {
  test("nothing asked for", async () => {
    const { predict, calls } = start();
    await predict();
    expect(calls[0]!.options).toEqual({
      model: null,
      topK: null,
      minProb: 0,
      explain: false,
      strict: false,
      timeoutMs: null,
    });
    expect(calls[0]!).toMatchObject({ clientKey: "unknown", contentLength: null });
    expect(await new Response(calls[0]!.body).text()).toBe("x");
  });

  test("everything asked for", async () => {
    const { predict, calls } = start();
    const headers = {
      "content-type": "image/png; q=1",
      "content-length": "1",
      prefer: "handling=strict",
      "x-request-timeout-ms": "1500",
    };
    const query = "?model=leaf-disease/1.0.0-rc.1&top_k=3&min_prob=0.25&explain=true&unknown=1&unknown=2";
    const response = await predict(query, { headers });
    expect(response.headers.get("preference-applied")).toBe("handling=strict");
    expect(calls[0]!.options).toEqual({
      model: "leaf-disease/1.0.0-rc.1",
      topK: 3,
      minProb: 0.25,
      explain: true,
      strict: true,
      timeoutMs: 1500,
    });
    expect(calls[0]!).toMatchObject({ contentType: "image/png; q=1", contentLength: 1 });
  });

  test.each([
    ["?top_k=0", "top_k"],
    ["?top_k=-1", "top_k"],
    ["?top_k=1.5", "top_k"],
    ["?top_k=", "top_k"],
    ["?top_k=1e3", "top_k"],
    ["?top_k=99999999999999999999", "top_k"],
    ["?top_k=1&top_k=1", "top_k"],
    ["?min_prob=1.01", "min_prob"],
    ["?min_prob=-0.1", "min_prob"],
    ["?min_prob=NaN", "min_prob"],
    ["?min_prob=Infinity", "min_prob"],
    ["?min_prob=0x1", "min_prob"],
    ["?explain=yes", "explain"],
    ["?explain", "explain"],
    ["?model=", "model"],
    [`?model=${"x".repeat(201)}`, "model"],
  ])("%s is refused", async (query, path) => {
    const { predict, calls } = start();
    const response = await predict(query);
    expect(response.status).toBe(422);
    const body = await jsonOf(response);
    expect(body.error).toBe("VALIDATION_FAILED");
    expect(body.errors).toHaveLength(1);
    expect(body.errors[0]).toMatchObject({
      path,
      expected: expect.any(String),
      received: expect.any(String),
    });
    expect(calls).toHaveLength(0);
  });

  test.each(["0", "-1", "+1", "1.5", "1e3", "", "soon", "1, 2", "0x10"])(
    "X-Request-Timeout-Ms %p is refused",
    async (value) => {
      const { predict, calls } = start();
      const response = await predict("", { headers: { "x-request-timeout-ms": value } });
      expect(response.status).toBe(422);
      const body = await jsonOf(response);
      expect(body.error).toBe("VALIDATION_FAILED");
      expect(body.errors).toEqual([
        {
          path: "X-Request-Timeout-Ms",
          expected: "a whole number from 1 on",
          received: JSON.stringify(value),
        },
      ]);
      expect(calls).toHaveLength(0);
    },
  );

  test("X-Request-Timeout-Ms may be as large as it likes", async () => {
    const { predict, calls } = start();
    for (const value of ["1", "0100", "9".repeat(400)])
      expect((await predict("", { headers: { "x-request-timeout-ms": value } })).status).toBe(200);
    expect(calls.map(({ options }) => options.timeoutMs)).toEqual([1, 100, Number.POSITIVE_INFINITY]);
  });

  test("all mistakes are told together", async () => {
    const body = await jsonOf(await start().predict("?top_k=x&min_prob=2&explain=3&model="));
    expect(body.errors.map(({ path }: { path: string }) => path)).toEqual([
      "model",
      "top_k",
      "min_prob",
      "explain",
    ]);
  });

  test.each([
    ["?min_prob=1", 1],
    ["?min_prob=1e-05", 1e-5],
    ["?min_prob=.5", 0.5],
    ["?min_prob=-0", 0],
    ["?min_prob=0.0", 0],
  ])("%s is fine", async (query, minProb) => {
    const { predict, calls } = start();
    expect((await predict(query)).status).toBe(200);
    expect(Object.is(calls[0]!.options.minProb, minProb)).toBe(true);
  });

  test.each(["-1", "1.5", "abc", "1, 1", "0x10", "9".repeat(30)])(
    "Content-Length %s is refused",
    async (length) => {
      const response = await start().predict("", { headers: { "content-length": length } });
      expect([response.status, (await jsonOf(response)).error]).toEqual([400, "INVALID_REQUEST"]);
    },
  );

  test("a compressed body is refused", async () => {
    const refused = await start().predict("", { headers: { "content-encoding": "gzip" } });
    expect([refused.status, (await jsonOf(refused)).error]).toEqual([400, "INVALID_REQUEST"]);
    expect((await start().predict("", { headers: { "content-encoding": "identity" } })).status).toBe(200);
  });
});

describe("failures", () => {
  const allowance = new TestLimits().take("predict", "someone");

  test("carry the stages that ran and the limit's headers", async () => {
    const { predict, services } = start({
      predict: ({ trace }) => {
        trace.allowance = allowance;
        trace.stages.record("read", 12.5);
        throw new PinholeError("INVALID_IMAGE", "It is torn.");
      },
    });
    const response = await predict("", { headers: { prefer: "handling=strict" } });
    expect(response.status).toBe(422);
    expect(response.headers.get("server-timing")).toMatch(/^read;dur=12\.5, total;dur=\d/);
    expect(response.headers.get("ratelimit-policy")).toBe('"predict";q=30;w=60');
    expect(response.headers.get("ratelimit")).toBe('"predict";r=29;t=41');
    expect(response.headers.get("preference-applied")).toBe("handling=strict");
    const { body } = await services.metrics.exposition();
    expect(body).toContain('pinhole_stage_duration_seconds_count{stage="read"} 1');
  });

  test("before the walk carry neither", async () => {
    const response = await start().predict("?top_k=0");
    expect(response.headers.has("server-timing")).toBe(false);
    expect(response.headers.has("ratelimit")).toBe(false);
  });

  test("limits that are off make no headers", async () => {
    const { predict } = start({
      config: { rateLimitEnabled: false },
      predict: ({ trace }) => {
        trace.allowance = allowance;
        return ANSWER;
      },
    });
    expect((await predict()).headers.has("ratelimit")).toBe(false);
  });

  test.each([
    ["the walk says so", () => new ClientGone()],
    ["anything else went wrong then", () => new Error("socket closed")],
  ])("a client that has gone is no error: %s", async (_name, error) => {
    const leaving = new AbortController();
    const { predict, services, lines } = start({
      predict: () => {
        leaving.abort();
        throw error();
      },
    });
    await predict("", { signal: leaving.signal });
    await Bun.sleep(5);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 30, status: 499 });
    const { body } = await services.metrics.exposition();
    expect(body).toContain('pinhole_errors_total{code="client_gone"} 1');
    expect(body).toContain('pinhole_errors_total{code="INTERNAL_ERROR"} 0');
  });
});
