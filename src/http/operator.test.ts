import { describe, expect, test } from "bun:test";
import { createApp } from "./app.ts";
import { jsonOf, OPERATOR_TOKEN, testServices } from "./fakes.ts";
import { operatorGuard } from "./operator-guard.ts";
import { RequestContext } from "./request-context.ts";

const ROUTES: [string, string][] = [
  ["GET", "/metrics"],
  ["GET", "/health/detailed"],
  ["GET", "/health/metrics"],
  ["GET", "/health/history"],
  ["GET", "/api/v1/predictions"],
  ["GET", "/api/v1/admin/rate-limits"],
  ["GET", "/api/v1/admin/cache"],
  ["DELETE", "/api/v1/admin/cache"],
  ["GET", "/api/v1/admin/log-level"],
  ["PUT", "/api/v1/admin/log-level"],
];

function start(options: Parameters<typeof testServices>[0] = {}) {
  const healthHistory = { latest: () => [{ createdAt: 0, status: "healthy" as const, checks: {} }] };
  const world = testServices({ ...options, services: { healthHistory, ...options?.services } });
  const app = createApp(world.services);
  const send = (method: string, path: string, token: string | null = OPERATOR_TOKEN) => {
    const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const sent: Record<string, string> = method === "PUT" ? { "content-type": "application/json" } : {};
    const body = method === "PUT" ? '{"level":"info"}' : undefined;
    return app.handle(
      new Request(`http://localhost${path}`, { method, headers: { ...authorization, ...sent }, body }),
    );
  };
  return { ...world, app, send };
}

describe("the guard", () => {
  test.each(ROUTES)("%s %s wants the token", async (method, path) => {
    const { send } = start();
    expect((await send(method, path)).status).toBe(200);
    for (const token of [null, "wrong", `${OPERATOR_TOKEN}x`, OPERATOR_TOKEN.slice(1)]) {
      const response = await send(method, path, token);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toStartWith('Bearer realm="pinhole"');
      expect(await response.json()).toMatchObject({ error: "UNAUTHENTICATED" });
    }
    const closed = start({ config: { operatorToken: "" } });
    for (const token of [null, "", OPERATOR_TOKEN, "undefined"])
      expect((await closed.send(method, path, token)).status).toBe(401);
  });

  test("is on every route that the document says it is on, and those are all", async () => {
    const { send } = start();
    const { paths } = await jsonOf(await send("GET", "/swagger/json"));
    const guarded: string[] = [];
    for (const [path, operations] of Object.entries<Record<string, { security?: unknown }>>(paths))
      for (const [method, { security }] of Object.entries(operations))
        if (security !== undefined) guarded.push(`${method.toUpperCase()} ${path}`);
    expect(guarded.sort()).toEqual(ROUTES.map((route) => route.join(" ")).sort());
  });

  test("limits wrong tokens, before any is compared", async () => {
    const { send } = start();
    for (let i = 0; i < 10; i++) expect((await send("GET", "/metrics", "wrong")).status).toBe(401);
    for (const token of ["wrong", OPERATOR_TOKEN, null]) {
      const response = await send("GET", "/metrics", token);
      expect(response.status).toBe(429);
      expect(response.headers.get("retry-after")).toBe("17");
    }
  });

  test("does not count what guesses nothing, nor what is right", async () => {
    const { send } = start();
    for (let i = 0; i < 20; i++) {
      expect((await send("GET", "/metrics", null)).status).toBe(401);
      expect((await send("GET", "/metrics")).status).toBe(200);
    }
  });
});

describe("without a token, in development", () => {
  const guardOf = (environment: "development" | "staging" | "production") =>
    operatorGuard(testServices({ config: { operatorToken: "", environment } }).services);
  const attempt = async (
    headers: Record<string, string>,
    {
      peer = "127.0.0.1" as string | null,
      method = "GET",
      environment = "development" as const as "development" | "staging" | "production",
    } = {},
  ) => {
    const request = new Request("http://localhost/metrics", { method, headers });
    const server = { requestIP: () => (peer === null ? null : { address: peer }) };
    const context = new RequestContext({
      request,
      server,
      startedAt: 0,
      newId: () => "id",
      clientKeyOf: () => "key",
    });
    try {
      await guardOf(environment)({ request, context, set: { headers: {} } });
      return true;
    } catch {
      return false;
    }
  };

  test.each([
    "localhost",
    "localhost:8080",
    "LOCALHOST:8080",
    "127.0.0.1",
    "127.0.0.1:1",
    "[::1]",
    "[::1]:8080",
  ])("reads by the name %s are open", async (host) => {
    expect(await attempt({ host })).toBe(true);
  });

  test.each(["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])("reads from %s are open", async (peer) => {
    expect(await attempt({ host: "localhost" }, { peer })).toBe(true);
  });

  test.each([
    "",
    "evil.example",
    "localhost.evil.example",
    "127.0.0.2",
    "127.0.0.1.nip.io",
    "pinhole.local",
    "0.0.0.0",
  ])("reads by the name %p are closed", async (host) => {
    expect(await attempt({ host })).toBe(false);
  });

  test.each(["192.168.1.5", "10.0.0.1", "::2", "2001:db8::1", "::ffff:192.168.1.5", "", null])(
    "reads from %p are closed",
    async (peer) => {
      expect(await attempt({ host: "localhost" }, { peer })).toBe(false);
    },
  );

  test.each([
    "origin",
    "forwarded",
    "via",
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
  ])("a %s header closes them", async (name) => {
    expect(await attempt({ host: "localhost", [name]: "" })).toBe(false);
    expect(await attempt({ host: "localhost", [name]: "http://localhost" })).toBe(false);
  });

  test("anything but reading is closed, and so is every other environment", async () => {
    expect(await attempt({ host: "localhost" }, { method: "HEAD" })).toBe(true);
    expect(await attempt({ host: "localhost" }, { method: "DELETE" })).toBe(false);
    expect(await attempt({ host: "localhost" }, { method: "POST" })).toBe(false);
    expect(await attempt({ host: "localhost" }, { environment: "staging" })).toBe(false);
    expect(await attempt({ host: "localhost" }, { environment: "production" })).toBe(false);
  });
});

describe("operator routes", () => {
  test("predictions come in pages, with the client's hash", async () => {
    const asked: unknown[] = [];
    const { send, services } = start();
    const page = services.predictions.page;
    services.predictions.page = (request) => {
      asked.push(request);
      return page(request);
    };
    const body = await jsonOf(
      await send(
        "GET",
        "/api/v1/predictions?limit=200&cursor=abc_-1&model=leaf-disease&confidence_status=HIGH&outcome=failed",
      ),
    );
    expect(body.next_cursor).toBe("bmV4dA");
    expect(body.predictions[0]).toMatchObject({ client_hash: "h".repeat(32), outcome: "ok" });
    await send("GET", "/api/v1/predictions");
    expect(asked).toEqual([
      {
        limit: 200,
        cursor: "abc_-1",
        filter: { modelName: "leaf-disease", confidence: "HIGH", outcome: "failed" },
      },
      { limit: 50, cursor: null, filter: {} },
    ]);
  });

  test.each([
    "limit=0",
    "limit=201",
    "limit=x",
    "cursor=",
    "cursor=a%20b",
    "cursor=%27",
    "model=A",
    "outcome=good",
    "limit=1&limit=2",
  ])("a page with %s is refused", async (query) => {
    const response = await start().send("GET", `/api/v1/predictions?${query}`);
    expect([response.status, (await jsonOf(response)).error]).toEqual([422, "VALIDATION_FAILED"]);
  });

  test("the cache tells how it does, and forgets", async () => {
    const { send, forgotten, orders } = start();
    expect(await (await send("GET", "/api/v1/admin/cache")).json()).toMatchObject({
      hits: 1,
      hit_rate: 0.5,
      max_bytes: 67108864,
    });
    expect((await send("DELETE", "/api/v1/admin/cache?model=leaf-disease/1.0.0")).status).toBe(200);
    expect((await send("DELETE", "/api/v1/admin/cache?model=leaf-disease/9.0.0")).status).toBe(404);
    expect((await send("DELETE", "/api/v1/admin/cache?model=leaf-disease")).status).toBe(422);
    expect((await send("DELETE", "/api/v1/admin/cache?model=")).status).toBe(422);
    expect(forgotten).toEqual(["leaf-disease/1.0.0"]);
    await send("DELETE", "/api/v1/admin/cache");
    expect(forgotten).toEqual(["leaf-disease/1.0.0", "everything"]);
    expect(orders).toEqual([
      { kind: "clear_cache", model: "leaf-disease/1.0.0" },
      { kind: "clear_cache", model: null },
    ]);
  });

  test("limits are told with clients by their hash", async () => {
    const body = await jsonOf(await start().send("GET", "/api/v1/admin/rate-limits"));
    expect(body.limits[0]).toMatchObject({
      policy: "read",
      top_refused: [{ client_hash: "h".repeat(32), refused: 2 }],
    });
  });

  test("something vital that is unhealthy makes /health/detailed 503", async () => {
    const { send, services } = start();
    expect((await send("GET", "/health/detailed")).status).toBe(200);
    services.health.report = async () => ({
      status: "unhealthy",
      ready: false,
      draining: false,
      failing: [],
      checks: {},
    });
    expect((await send("GET", "/health/detailed")).status).toBe(503);
  });
});
