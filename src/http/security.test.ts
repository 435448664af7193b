import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { PinholeError } from "../errors.ts";
import type { Config } from "../settings.ts";
import { createApp, serveOptions } from "./app.ts";
import { jsonOf, testServices } from "./fakes.ts";
import { HSTS, SECURITY_HEADERS } from "./security-headers.ts";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function listen(config: Partial<Config> = {}, predict?: () => never) {
  const world = testServices({ config, ...(predict ? { predict } : {}) });
  const app = createApp(world.services);
  app.listen({ port: 0, hostname: "127.0.0.1", ...serveOptions(world.services.config) });
  const server = app.server!;
  stops.push(() => server.stop(true));
  const url = `http://127.0.0.1:${server.port}`;
  const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    fetch(url + path, { method, headers, redirect: "manual" });
  return { ...world, url, port: server.port!, ask };
}

const PROXY = { trustedProxies: ["127.0.0.0/8"] };
const PLAIN = { "x-forwarded-proto": "http" };
const TLS = { "x-forwarded-proto": "https" };
const refuse = () => {
  throw new PinholeError("OVERLOADED", "Full.");
};

describe("security headers", () => {
  test("are twelve at least, and stand on every answer of ours", async () => {
    expect(SECURITY_HEADERS.length).toBeGreaterThanOrEqual(12);
    const { ask } = listen({ hostsAllowed: ["127.0.0.1"] }, refuse);
    const answers: [status: number, path: string, method?: string, headers?: Record<string, string>][] = [
      [200, "/health"],
      [200, "/api/v1/models"],
      [200, "/swagger/json"],
      [204, "/api/v1/predict", "OPTIONS"],
      [401, "/metrics"],
      [404, "/nope"],
      [405, "/api/v1/predict"],
      [421, "/api/v1/models", "GET", { host: "elsewhere.example" }],
      [503, "/api/v1/predict", "POST"],
    ];
    for (const [status, path, method, headers] of answers) {
      const response = await ask(path, headers, method);
      expect(response.status).toBe(status);
      for (const { name, value } of SECURITY_HEADERS)
        expect(`${path} ${name}: ${response.headers.get(name)}`).toBe(`${path} ${name}: ${value}`);
      expect(response.headers.has(HSTS.name)).toBe(false);
      expect(response.headers.has("server")).toBe(false);
      expect(response.headers.has("x-powered-by")).toBe(false);
    }
  });

  test("let the page have a policy of its own, and its files be kept", async () => {
    const { ask } = listen();
    const own: Record<string, string[]> = {
      "/swagger": ["Content-Security-Policy", "Cache-Control"],
      "/swagger/assets/init.js": ["Cache-Control"],
    };
    for (const [path, names] of Object.entries(own)) {
      const { headers } = await ask(path);
      for (const { name, value } of SECURITY_HEADERS)
        expect(`${path} ${name} ${headers.get(name) === value}`).toBe(
          `${path} ${name} ${!names.includes(name)}`,
        );
    }
    expect((await ask("/swagger")).headers.get("content-security-policy")).toContain("script-src 'self';");
  });

  test.each<[Config["hsts"], Partial<Config>, Record<string, string>, boolean]>([
    ["auto", PROXY, TLS, true],
    ["auto", PROXY, { "x-forwarded-proto": "http, https" }, true],
    ["auto", PROXY, { "x-forwarded-proto": "https, http" }, false],
    ["auto", PROXY, PLAIN, false],
    ["auto", PROXY, {}, false],
    ["auto", {}, TLS, false],
    ["always", {}, {}, true],
    ["never", PROXY, TLS, false],
  ])("HSTS %s, %p, %p: %p", async (hsts, config, headers, expected) => {
    const { ask } = listen({ ...config, hsts });
    expect((await ask("/health", headers)).headers.has(HSTS.name)).toBe(expected);
  });

  test("docs/security.md lists each of them with its value and what it is for", async () => {
    const text = await Bun.file(new URL("../../docs/security.md", import.meta.url)).text();
    const listed = text.split("\n").filter((line) => line.startsWith("| `"));
    const expected = [...SECURITY_HEADERS, HSTS].map(
      ({ name, value, purpose, where = "everywhere" }) =>
        `| \`${name}\` | \`${value}\` | ${purpose} | ${where} |`,
    );
    expect(listed).toEqual(expected);
  });
});

describe("HTTPS", () => {
  const config = { ...PROXY, httpsRedirect: true };

  test("is where requests that only read are sent", async () => {
    const { ask } = listen(config);
    for (const method of ["GET", "HEAD"]) {
      const response = await ask("/api/v1/models?a=1&b=%2F", { ...PLAIN, host: "Api.example:8080" }, method);
      expect(response.status).toBe(308);
      expect(response.headers.get("location")).toBe("https://api.example/api/v1/models?a=1&b=%2F");
      expect(response.headers.get("x-request-id")).toBeString();
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(await response.text()).toBe("");
    }
  });

  test("is demanded of all others", async () => {
    const { ask, calls } = listen(config);
    const response = await ask("/api/v1/predict", PLAIN, "POST");
    expect(response.status).toBe(403);
    expect(await jsonOf(response)).toMatchObject({ error: "HTTPS_REQUIRED" });
    expect(calls).toEqual([]);
    const odd = await ask("/health/detailed", { ...PLAIN, host: "a@b.example" });
    expect(odd.status).toBe(403);
  });

  test.each<[string, Partial<Config>, Record<string, string>]>([
    ["/api/v1/models", config, TLS],
    ["/api/v1/models", config, {}],
    ["/health/live", config, PLAIN],
    ["/health/ready", config, PLAIN],
    ["/api/v1/models", { httpsRedirect: true }, PLAIN],
    ["/api/v1/models", PROXY, PLAIN],
  ])("is nothing to %s with %p and %p", async (path, config, headers) => {
    expect((await listen(config).ask(path, headers)).status).toBe(200);
  });
});

describe("CORS", () => {
  const ORIGIN = "https://app.example";
  const config = { corsOrigins: [ORIGIN, "http://localhost:5173"] };
  const corsHeaders = (response: Response) =>
    [...response.headers.keys()].filter((name) => name.startsWith("access-control-")).sort();

  test("a listed origin may read, without credentials", async () => {
    const { ask } = listen(config);
    for (const [path, status] of [
      ["/health", 200],
      ["/api/v1/models", 200],
      ["/nope", 404],
      ["/metrics", 401],
    ] as const) {
      const response = await ask(path, { origin: ORIGIN });
      expect(response.status).toBe(status);
      expect(corsHeaders(response)).toEqual(["access-control-allow-origin", "access-control-expose-headers"]);
      expect(response.headers.get("access-control-allow-origin")).toBe(ORIGIN);
      expect(response.headers.get("vary")).toBe("Origin");
    }
    const { headers } = await ask("/api/v1/models", { origin: ORIGIN });
    const exposed = headers.get("access-control-expose-headers")!.toLowerCase().split(", ");
    for (const name of ["ratelimit", "ratelimit-policy", "retry-after", "server-timing", "x-request-id"])
      expect(exposed).toContain(name);
  });

  test("its preflight learns methods and headers", async () => {
    const { ask } = listen(config);
    const headers = {
      origin: ORIGIN,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type,prefer,x-request-id",
    };
    const response = await ask("/api/v1/predict", headers, "OPTIONS");
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(response.headers.get("access-control-allow-methods")).toBe("OPTIONS, POST");
    const allowed = response.headers.get("access-control-allow-headers")!.split(", ");
    expect(allowed).toContainValues(["content-type", "prefer", "x-request-id"]);
    expect(response.headers.get("access-control-max-age")).toBe("7200");
    expect(response.headers.has("access-control-allow-credentials")).toBe(false);
  });

  test.each(["https://evil.example", "null", "https://app.example.evil.example", "http://app.example", "*"])(
    "the origin %p learns nothing",
    async (origin) => {
      const { ask } = listen(config);
      const asked = { origin, "access-control-request-method": "POST" };
      const answers = [await ask("/health", { origin }), await ask("/api/v1/predict", asked, "OPTIONS")];
      for (const response of answers) {
        expect(corsHeaders(response)).toEqual([]);
        expect(response.headers.get("vary")).toBe("Origin");
      }
      expect(answers[1]!.status).toBe(204);
    },
  );

  test("without a list nobody does", async () => {
    const response = await listen().ask("/health", { origin: ORIGIN });
    expect(corsHeaders(response)).toEqual([]);
    expect(response.headers.has("vary")).toBe(false);
  });

  test.each(["*", "null", "app.example", "https://app.example/", "https://*.example", "https://APP.example"])(
    "%p is no origin to list",
    (origin) => {
      const { services } = testServices({ config: { corsOrigins: [origin] } });
      expect(() => createApp(services)).toThrow("PINHOLE_CORS_ORIGINS");
    },
  );
});

/** What Bun answers by itself, before any code of ours: measured, and told in docs/security.md. */
describe("limits of a request's head", () => {
  async function statusOf(port: number, head: string): Promise<number | null> {
    const { promise, resolve } = Promise.withResolvers<number | null>();
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(head));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.includes("\r\n")) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text === "" ? null : Number(text.split(" ")[1])));
    return promise;
  }
  const fields = (count: number, size = 1) =>
    Array.from({ length: count }, (_, i) => `X-${i}: ${"a".repeat(size)}\r\n`).join("");

  test.each([
    ["100 fields", `GET /health HTTP/1.1\r\nHost: x\r\n${fields(100)}\r\n`, 200],
    ["250 fields", `GET /health HTTP/1.1\r\nHost: x\r\n${fields(250)}\r\n`, 431],
    ["8 KB of fields", `GET /health HTTP/1.1\r\nHost: x\r\n${fields(1, 8000)}\r\n`, 200],
    ["20 KB of fields", `GET /health HTTP/1.1\r\nHost: x\r\n${fields(1, 20_000)}\r\n`, 431],
    ["a line of 8 KB", `GET /health?${"a".repeat(8000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 200],
    ["a line of 20 KB", `GET /health?${"a".repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ])("%s", async (_name, head, status) => {
    expect(await statusOf(listen().port, head)).toBe(status);
  });
});
