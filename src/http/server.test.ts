import { afterEach, expect, test } from "bun:test";
import { connect } from "node:net";
import { PinholeError } from "../errors.ts";
import { createApp, serveOptions } from "./app.ts";
import { ANSWER, jsonOf, testServices } from "./fakes.ts";

/** What only shows on a real socket. */

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function listen(options: Parameters<typeof testServices>[0] = {}, serve: { idleTimeout?: number } = {}) {
  const world = testServices(options);
  const app = createApp(world.services);
  app.listen({ port: 0, hostname: "127.0.0.1", ...serveOptions(world.services.config), ...serve });
  const server = app.server!;
  stops.push(() => server.stop(true));
  return { ...world, port: server.port!, url: `http://127.0.0.1:${server.port}` };
}

/** Sends bytes as they are and gathers what comes back until `isEnough` or the end. */
function exchange(port: number, send: string, isEnough: (text: string) => boolean): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const socket = connect(port, "127.0.0.1", () => socket.write(send));
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    if (isEnough(text)) socket.destroy();
  });
  socket.on("close", () => resolve(text));
  socket.on("error", reject);
  return promise;
}

test("a refusal is answered before the body has been sent", async () => {
  const { port } = listen({
    predict: () => {
      throw new PinholeError("OVERLOADED", "Full.");
    },
  });
  const head =
    "POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000000\r\n\r\n";
  const text = await exchange(port, head, (got) => got.includes('"OVERLOADED"'));
  expect(text).toStartWith("HTTP/1.1 503");
});

test("an upload that is slower than the idle timeout is read to its end", async () => {
  const { url } = listen(
    {
      predict: async ({ body }) => {
        const bytes = await new Response(body).bytes();
        return { ...ANSWER, retakeMessage: `${bytes.length} bytes` };
      },
    },
    { idleTimeout: 1 },
  );
  const body = new ReadableStream({
    async pull(controller) {
      await Bun.sleep(1000);
      controller.enqueue(new Uint8Array(10));
      if (++chunks === 5) controller.close();
    },
  });
  let chunks = 0;
  const response = await fetch(`${url}/api/v1/predict`, { method: "POST", body });
  expect(await jsonOf(response)).toMatchObject({ retake_message: "50 bytes" });
}, 15_000);

test("a client that leaves is seen, and counted", async () => {
  const entered = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const { url, services, lines } = listen({
    predict: async ({ signal }) => {
      entered.resolve();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      left.resolve();
      throw new Error("The body broke off.");
    },
  });
  const leaving = new AbortController();
  const request = fetch(`${url}/api/v1/predict`, { method: "POST", body: "x", signal: leaving.signal });
  await entered.promise;
  leaving.abort();
  await expect(request).rejects.toThrow();
  await left.promise;
  await Bun.sleep(20);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ status: 499 });
  expect((await services.metrics.exposition()).body).toContain('pinhole_errors_total{code="client_gone"} 1');
});

test("the peer is the client key, and a proxy that is not listed is not believed", async () => {
  const { url, calls } = listen();
  const headers = { "x-forwarded-for": "203.0.113.9" };
  await fetch(`${url}/api/v1/predict`, { method: "POST", body: "x", headers });
  const listed = listen({ config: { trustedProxies: ["127.0.0.0/8"] } });
  await fetch(`${listed.url}/api/v1/predict`, { method: "POST", body: "x", headers });
  expect([calls[0]!.clientKey, listed.calls[0]!.clientKey]).toEqual(["127.0.0.1", "203.0.113.9"]);
});

test("operator reads are open on loopback in development, by loopback names only", async () => {
  const { url, port } = listen({ config: { operatorToken: "" } });
  expect((await fetch(`${url}/metrics`)).status).toBe(200);
  expect((await fetch(`http://localhost:${port}/metrics`)).status).toBe(200);
  expect((await fetch(`${url}/metrics`, { headers: { origin: "null" } })).status).toBe(401);
  expect((await fetch(`${url}/metrics`, { headers: { host: "rebound.example" } })).status).toBe(401);
  expect((await fetch(`${url}/api/v1/admin/cache`, { method: "DELETE" })).status).toBe(401);
});

test("the page and its assets come from here and name no other host", async () => {
  const { url } = listen();
  const response = await fetch(`${url}/swagger`);
  const page = await response.text();
  expect(response.headers.get("content-security-policy")).toContain("script-src 'self';");
  expect(page).not.toContain("//");
  expect(page).not.toMatch(/<script>|\son\w+=/);
  const assets = [...page.matchAll(/(?:src|href)="(\/swagger\/assets\/[^"]+)"/g)].map(([, path]) => path!);
  expect(assets).toHaveLength(3);
  for (const path of assets) {
    const asset = await fetch(url + path);
    expect(asset.status).toBe(200);
    expect(asset.headers.get("content-type")).toMatch(/^text\/(css|javascript)/);
    expect(asset.headers.get("cache-control")).toContain("immutable");
    expect(asset.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await asset.bytes()).length).toBeGreaterThan(50);
  }
  for (const path of ["package.json", "..%2fpackage.json", "index.html", "swagger-ui.css.map"])
    expect((await fetch(`${url}/swagger/assets/${path}`)).status).toBe(404);
});

test("HEAD is GET without the body", async () => {
  const { url } = listen();
  for (const path of ["/health", "/api/v1/models", "/swagger", "/swagger/assets/init.js", "/nope"]) {
    const get = await fetch(url + path);
    const head = await fetch(url + path, { method: "HEAD" });
    expect(head.status).toBe(get.status);
    expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    expect(head.headers.get("x-request-id")).toMatch(/^[0-9a-f]{32}$/);
    expect(await head.text()).toBe("");
  }
});

test.each(["TRACE", "CONNECT", "PROPFIND", "QUERY"])("the method %s is refused", async (method) => {
  const { port } = listen();
  const text = await exchange(port, `${method} /api/v1/models HTTP/1.1\r\nHost: x\r\n\r\n`, (got) =>
    got.includes("\r\n\r\n"),
  );
  expect(text).toMatch(/^HTTP\/1\.1 (405|400|501)/);
});

test.each(["a", "api", "api:80", "127.0.0.1", "[::1]", ""])(
  "a host named %p does not change the path",
  async (host) => {
    const { port } = listen();
    const text = await exchange(port, `GET /health/live HTTP/1.1\r\nHost: ${host}\r\n\r\n`, (got) =>
      got.includes("}"),
    );
    expect(text).toStartWith("HTTP/1.1 200");
  },
);

test("no banner, and draining ends connections", async () => {
  const { port, url, state } = listen();
  const response = await fetch(`${url}/health`);
  expect(response.headers.has("server")).toBe(false);
  expect(response.headers.has("x-powered-by")).toBe(false);
  state.draining = true;
  const text = await exchange(port, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", () => false);
  expect(text.toLowerCase()).toContain("connection: close");
});
