import { describe, expect, test } from "bun:test";
import { CATALOGUE, type ErrorCode, PinholeError } from "../errors.ts";
import { createApp } from "./app.ts";
import { ANSWER, testServices } from "./fakes.ts";
import { PROBLEM_TYPE } from "./problem.ts";

type Options = Parameters<typeof testServices>[0];

function start(options: Options = {}) {
  const world = testServices(options);
  const app = createApp(world.services);
  const send = (method: string, path: string, init: RequestInit = {}) =>
    app.handle(new Request(`http://localhost${path}`, { method, ...init }));
  return { ...world, app, send };
}

const failing = (error: unknown): Options => ({
  predict: () => {
    throw error;
  },
});
const post = { body: "x", headers: { "content-type": "image/jpeg" } };

describe("errors", () => {
  test.each(Object.keys(CATALOGUE) as ErrorCode[])("%s as problem+json", async (code) => {
    const error = new PinholeError(code, "Say what to change.", { members: { extra: 7 }, cause: "private" });
    const { send } = start(failing(error));
    const response = await send("POST", "/api/v1/predict", post);
    expect(response.status).toBe(CATALOGUE[code].status);
    expect(response.headers.get("content-type")).toBe(PROBLEM_TYPE);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const body = await response.json();
    expect(body).toMatchObject({
      type: `urn:pinhole:problem:${code}`,
      title: CATALOGUE[code].title,
      status: CATALOGUE[code].status,
      detail: "Say what to change.",
      message: "Say what to change.",
      instance: "/api/v1/predict",
      error: code,
      request_id: response.headers.get("x-request-id"),
      extra: 7,
    });
    expect(JSON.stringify(body)).not.toContain("private");
  });

  test("members never replace the standard ones", async () => {
    const members = { status: 200, error: "fine", request_id: "forged", type: "x" };
    const { send } = start(failing(new PinholeError("EMPTY_IMAGE", "Empty.", { members })));
    const response = await send("POST", "/api/v1/predict", post);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ status: 400, error: "EMPTY_IMAGE" });
  });

  test.each([
    ["error", new Error("/etc/passwd is missing")],
    ["mistake", new TypeError("undefined is not a function")],
    ["object", { weird: "/etc/passwd" }],
    ["string", "a string"],
    [
      "error with a code of ours",
      Object.assign(new Error("/etc/passwd"), { code: "NOT_FOUND", status: 404 }),
    ],
  ])("nothing of the cause of an unforeseen %s reaches the client", async (_kind, thrown) => {
    const { send, lines } = start(failing(thrown));
    const response = await send("POST", "/api/v1/predict", post);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ error: "INTERNAL_ERROR", status: 500 });
    expect(text).not.toContain("passwd");
    expect(text).not.toContain("undefined");
    expect(lines.at(-1)).toMatchObject({ level: 50, code: "INTERNAL_ERROR" });
  });

  test("ours are logged as errors with their stack, refusals as warnings without one", async () => {
    const ours = start(
      failing(new PinholeError("INFERENCE_FAILED", "It failed.", { cause: new Error("why") })),
    );
    await ours.send("POST", "/api/v1/predict", post);
    expect(ours.lines).toHaveLength(1);
    expect(ours.lines[0]).toMatchObject({ level: 50, code: "INFERENCE_FAILED", client: "hash-of-unknown" });
    expect((ours.lines[0]!.err as { stack: string }).stack).toContain("why");

    const theirs = start(failing(new PinholeError("NO_IMAGE", "There is none.")));
    await theirs.send("POST", "/api/v1/predict", post);
    expect(theirs.lines).toHaveLength(1);
    expect(theirs.lines[0]).toMatchObject({ level: 40, code: "NO_IMAGE", status: 400 });
    expect(theirs.lines[0]).not.toHaveProperty("err");
  });

  test("Retry-After is what the error says, rounded up, and always there on 429 and 503", async () => {
    const said = new PinholeError("OVERLOADED", "Full.", { members: { retry_after_seconds: 6.2 } });
    const response = await start(failing(said)).send("POST", "/api/v1/predict", post);
    expect(response.headers.get("retry-after")).toBe("7");
    expect(await response.json()).toMatchObject({ retry_after_seconds: 7 });

    const unsaid = new PinholeError("MODEL_NOT_READY", "Not yet.");
    const other = await start(failing(unsaid)).send("POST", "/api/v1/predict", post);
    expect(Number(other.headers.get("retry-after"))).toBeWithin(1, 6);

    const no = await start(failing(new PinholeError("NO_IMAGE", "None."))).send(
      "POST",
      "/api/v1/predict",
      post,
    );
    expect(no.headers.has("retry-after")).toBe(false);
  });
});

describe("addresses and methods", () => {
  test.each([
    "/nope",
    "/",
    "/api/v1",
    "/api/v1/models/a/b/c",
    "/API/V1/PREDICT",
    "/api/v1/predictions/",
    "/health/history",
  ])("%s is 404", async (path) => {
    const { send } = start({ config: { environment: "production" } });
    const authorization = "Bearer a-token-of-at-least-thirty-two-characters";
    const response = await send("GET", path, { headers: { authorization } });
    // "/api/v1/predictions/" is the list, as trailing slashes don't count.
    expect(response.status).toBe(path === "/api/v1/predictions/" ? 200 : 404);
  });

  test.each([
    ["GET", "/api/v1/predict", "OPTIONS, POST"],
    ["HEAD", "/api/v1/predict", "OPTIONS, POST"],
    ["PUT", "/api/v1/predict", "OPTIONS, POST"],
    ["DELETE", "/api/v1/models/x/1.0.0", "GET, HEAD, OPTIONS"],
    ["POST", "/health/live", "GET, HEAD, OPTIONS"],
    ["PATCH", "/api/v1/admin/cache", "DELETE, GET, HEAD, OPTIONS"],
    ["POST", "/swagger/json", "GET, HEAD, OPTIONS"],
  ])("%s %s is 405", async (method, path, allow) => {
    const response = await start().send(method, path);
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    if (method !== "HEAD") expect(await response.json()).toMatchObject({ error: "METHOD_NOT_ALLOWED" });
  });

  test("OPTIONS tells the methods without a body", async () => {
    const response = await start().send("OPTIONS", "/api/v1/predict");
    expect(response.status).toBe(204);
    expect(response.headers.get("allow")).toBe("OPTIONS, POST");
    expect(await response.text()).toBe("");
    expect((await start().send("OPTIONS", "/nope")).status).toBe(404);
  });

  test("a record that is not found is no wrong method", async () => {
    const response = await start().send("GET", `/api/v1/predictions/${"0".repeat(32)}`);
    expect(response.status).toBe(404);
    expect(response.headers.has("allow")).toBe(false);
  });

  test.each(["%2e%2e%2f", "%zz", "%00", "%E0%A4%A", "a%2Fb", "'\"<>", "%F0%9F%8D%83", "x".repeat(5000)])(
    "odd characters in a path are no crash: %s",
    async (odd) => {
      for (const path of [
        `/api/v1/models/${odd}`,
        `/api/v1/models/x/${odd}`,
        `/api/v1/predictions/${odd}`,
        `/swagger/assets/${odd}`,
      ]) {
        const response = await start().send("GET", path);
        expect(response.status).toBe(404);
        expect(response.headers.get("content-type")).toBe(PROBLEM_TYPE);
      }
    },
  );
});

describe("every answer", () => {
  test("carries a request id, the client's own where it is well formed", async () => {
    const { send } = start();
    for (const path of [
      "/health",
      "/nope",
      "/api/v1/models",
      "/metrics",
      "/swagger",
      "/swagger/json",
      "/swagger/assets/init.js",
    ]) {
      const kept = await send("GET", path, { headers: { "x-request-id": "My-Id_1.2" } });
      expect(kept.headers.get("x-request-id")).toBe("My-Id_1.2");
      expect(kept.headers.get("x-content-type-options")).toBe("nosniff");
      const fresh = await send("GET", path);
      expect(fresh.headers.get("x-request-id")).toMatch(/^[0-9a-f]{32}$/);
    }
    for (const bad of ["a b", "x".repeat(65), "<script>", "ä"]) {
      const response = await send("GET", "/health", { headers: { "x-request-id": bad } });
      expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f]{32}$/);
    }
  });

  test("asks the client to leave while draining", async () => {
    const { send, state } = start();
    expect((await send("GET", "/health")).headers.get("connection")).toBeNull();
    state.draining = true;
    expect((await send("GET", "/health")).headers.get("connection")).toBe("close");
  });

  test("is counted by route pattern, method and status, errors by code", async () => {
    const { send, services } = start();
    await send("GET", "/api/v1/models/leaf-disease");
    await send("GET", "/api/v1/models/unknown");
    await send("GET", "/made-up-by-a-client");
    await Bun.sleep(5);
    const { body } = await services.metrics.exposition();
    expect(body).toContain('route="/api/v1/models/:name",method="GET",status="200"} 1');
    expect(body).toContain('route="/api/v1/models/:name",method="GET",status="404"} 1');
    expect(body).toContain('route="unmatched",method="GET",status="404"} 1');
    expect(body).not.toContain("made-up");
    expect(body).toContain('pinhole_errors_total{code="MODEL_NOT_FOUND"} 1');
    expect(body).toContain('pinhole_errors_total{code="NOT_FOUND"} 1');
  });
});

describe("hosts", () => {
  const config = { hostsAllowed: ["pinhole.example", "[::1]"] };
  test.each([
    ["pinhole.example", 200],
    ["Pinhole.Example:8443", 200],
    ["pinhole.example.", 200],
    ["[::1]:8080", 200],
    ["evil.example", 421],
    ["pinhole.example.evil.example", 421],
    ["", 421],
  ])("%p: %d", async (host, status) => {
    const { send } = start({ config });
    const response = await send("GET", "/api/v1/models", { headers: { host } });
    expect(response.status).toBe(status);
    if (status === 421) expect(await response.json()).toMatchObject({ error: "MISDIRECTED_REQUEST" });
    expect(response.headers.get("x-request-id")).not.toBeNull();
  });

  test("probes may name any host", async () => {
    const { send } = start({ config });
    for (const path of ["/health", "/health/live", "/health/ready"])
      expect((await send("GET", path, { headers: { host: "10.1.2.3:8080" } })).status).toBe(200);
    expect((await send("GET", "/health/detailed", { headers: { host: "10.1.2.3:8080" } })).status).toBe(421);
  });
});

describe("models and predictions", () => {
  test("are limited reads with the limit's headers", async () => {
    const { send, limits } = start();
    limits.limits.read = 2;
    const first = await send("GET", "/api/v1/model_info");
    expect(first.headers.get("ratelimit-policy")).toBe('"read";q=2;w=60');
    expect(first.headers.get("ratelimit")).toBe('"read";r=1;t=41');
    expect(first.headers.get("x-ratelimit-limit")).toBe("2");
    expect(first.headers.get("x-ratelimit-remaining")).toBe("1");
    expect(first.headers.get("x-ratelimit-reset")).toBe("41");
    expect((await send("GET", "/api/v1/models/unknown")).headers.get("x-ratelimit-remaining")).toBe("0");
    const refused = await send("GET", `/api/v1/predictions/${ANSWER.predictionId}`);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("17");
    expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
    expect(await refused.json()).toMatchObject({
      error: "RATE_LIMIT_EXCEEDED",
      limit: 2,
      retry_after_seconds: 17,
    });
    expect((await send("GET", "/health/ready")).status).toBe(200);
  });

  test("are not limited where limits are off", async () => {
    const { send, limits } = start({ config: { rateLimitEnabled: false } });
    limits.limits.read = 0;
    const response = await send("GET", "/api/v1/models");
    expect(response.status).toBe(200);
    expect(response.headers.has("ratelimit")).toBe(false);
  });

  test("a slash in a name does not reach a version", async () => {
    expect((await start().send("GET", "/api/v1/models/leaf-disease%2F1.0.0")).status).toBe(404);
  });

  test.each(["0", "x".repeat(32), "A".repeat(32), "5f1c".repeat(9)])(
    "no record has the id %s",
    async (id) => {
      const response = await start().send("GET", `/api/v1/predictions/${id}`);
      expect(await response.json()).toMatchObject({ status: 404, error: "NOT_FOUND" });
    },
  );

  test("one's own record says nothing of the client", async () => {
    const body = await (await start().send("GET", `/api/v1/predictions/${ANSWER.predictionId}`)).json();
    expect(body).toMatchObject({
      prediction_id: ANSWER.predictionId,
      created_at: "2026-01-01T00:00:00.000Z",
    });
    expect(body).not.toHaveProperty("client_hash");
  });
});

describe("health", () => {
  test("ready follows the workers and draining", async () => {
    const { send, state } = start();
    expect((await send("GET", "/health/ready")).status).toBe(200);
    state.ready = false;
    const not = await send("GET", "/health/ready");
    expect([not.status, await not.json()]).toEqual([503, { status: "not_ready", ready: false }]);
    state.draining = true;
    const draining = await send("GET", "/health/ready");
    expect([draining.status, await draining.json()]).toEqual([503, { status: "draining", ready: false }]);
    expect((await send("GET", "/health/live")).status).toBe(200);
  });
});
