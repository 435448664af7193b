import { describe, expect, test } from "bun:test";
import { type Json, problem } from "./nginx-answers.ts";
import { SITE_NAME, startSite } from "./nginx-site.ts";
import { photographs } from "./photographs.ts";
import { plain } from "./pictures.ts";
import { freePort, startServer } from "./server.ts";

/** Floods, servers that are not there, and several servers behind the site of deploy/nginx. */
const SMALL_MODELS = {
  PINHOLE_MODELS_DIR: "test/fixtures/models",
  PINHOLE_MODEL_DEFAULT: "rgb-float32",
  PINHOLE_TRUSTED_PROXIES: "127.0.0.1",
};

/** A server that says what it was asked. */
function echo(name: string) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => Response.json({ name, headers: Object.fromEntries(request.headers) }),
  });
}

describe("limits", () => {
  test("429 of the server for each client, whatever it says of its address; 429 of nginx for a flood", async () => {
    await using server = await startServer({ ...SMALL_MODELS, PINHOLE_RATE_LIMIT_REQUESTS: "3" });
    await using site = await startSite([`127.0.0.1:${server.port}`], {
      SITE_REQUEST_RATE: "1r/s",
      SITE_REQUEST_BURST: "30",
    });
    const red = await plain(255, 0, 0);
    const predict = (from: string) =>
      site.fetch("/api/v1/predict", {
        method: "POST",
        body: red,
        headers: {
          "Content-Type": "image/png",
          "X-Forwarded-For": from,
          "X-Real-IP": from,
          Forwarded: `for=${from}`,
        },
      });
    const answers = [];
    for (let i = 1; i <= 4; i++) answers.push(await predict(`203.0.113.${i}`));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    const refused = await problem(answers[3]!);
    expect(refused).toMatchObject({ error: "RATE_LIMIT_EXCEEDED", limit: 3 });
    expect(answers[3]!.headers.get("retry-after")).toBe(String(refused.retry_after_seconds));

    const flood = await Promise.all(Array.from({ length: 40 }, () => site.fetch("/health/live")));
    const stopped = flood.find(({ status }) => status !== 200)!;
    expect(flood.filter(({ status }) => status === 200).length).toBeWithin(20, 32);
    expect(stopped.status).toBe(429);
    expect(stopped.headers.get("retry-after")).toBe("1");
    expect(await problem(stopped)).toMatchObject({ error: "RATE_LIMIT_EXCEEDED", retry_after_seconds: 1 });
    await Bun.sleep(1100);
    expect((await site.fetch("/health/live")).status).toBe(200);
  });
});

describe("servers that are not there or not in time", () => {
  test("502", async () => {
    await using site = await startSite([`127.0.0.1:${freePort()}`]);
    const response = await site.fetch("/api/v1/predict", { method: "POST", body: "x" });
    expect(response.status).toBe(502);
    expect(response.headers.get("retry-after")).toBe("2");
    expect(await problem(response)).toMatchObject({ error: "INTERNAL_ERROR", instance: "/api/v1/predict" });
  });

  test("504, and the request is not asked again", async () => {
    let asked = 0;
    const silent = () =>
      Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: () => {
          asked++;
          return new Promise<Response>(() => {});
        },
      });
    const servers = [silent(), silent()];
    await using site = await startSite(
      servers.map(({ port }) => `127.0.0.1:${port}`),
      { SITE_ANSWER_TIMEOUT: "6s" },
    );
    const response = await site.fetch("/api/v1/predict", { method: "POST", body: "x" });
    expect(response.status).toBe(504);
    expect(await problem(response)).toMatchObject({ error: "DEADLINE_EXCEEDED" });
    expect(asked).toBe(1);
    for (const server of servers) server.stop(true);
  }, 20_000);
});

describe("several servers", () => {
  test("what the server is told of the client, and that each client has one server", async () => {
    const servers = [echo("a"), echo("b"), echo("c")];
    const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
    await using site = await startSite(addresses, {
      SITE_BALANCE: "client",
      SITE_TRUSTED_PROXIES: "127.0.0.1",
    });
    const ask = async (client: string, more: Record<string, string> = {}): Promise<Json> =>
      (await site.fetch("/api/v1/model_info", { headers: { "X-Forwarded-For": client, ...more } })).json();

    const { headers } = await ask("198.51.100.7", {
      "X-Real-IP": "1.1.1.1",
      Forwarded: "for=1.1.1.1",
      "X-Forwarded-Host": "evil.example",
      Proxy: "http://evil.example",
      "X-Request-Id": "abc",
    });
    expect(headers).toMatchObject({
      host: SITE_NAME,
      "x-forwarded-for": "198.51.100.7",
      "x-forwarded-proto": "https",
      "x-request-id": "abc",
    });
    for (const name of ["x-real-ip", "forwarded", "x-forwarded-host", "proxy", "accept-encoding"])
      expect(headers).not.toHaveProperty(name);

    const names = async (clients: string[]) =>
      Promise.all(clients.map(async (client) => (await ask(client)).name));
    const v4 = Array.from({ length: 60 }, (_, i) => `198.51.100.${i}`);
    const chosen = await names(v4);
    expect(new Set(chosen).size).toBe(3);
    expect(await names(v4)).toEqual(chosen);
    const subscriber = Array.from({ length: 12 }, (_, i) => `2001:db8:0:1::${i.toString(16)}`);
    expect(new Set(await names(subscriber)).size).toBe(1);
    const subscribers = Array.from({ length: 30 }, (_, i) => `2001:db8:0:${i.toString(16)}::1`);
    expect(new Set(await names(subscribers)).size).toBe(3);

    // The clients of a server that is gone are shared by the others; everyone else stays where they were.
    await servers[0]!.stop(true);
    const without = await names(v4);
    expect(without.every((name, i) => (chosen[i] === "a" ? name !== "a" : name === chosen[i]))).toBeTrue();
    for (const server of servers) await server.stop(true);
  });

  test("are restarted one after the other under load, and no request is lost", async () => {
    const settings = {
      ...SMALL_MODELS,
      PINHOLE_RATE_LIMIT_ENABLED: "false",
      PINHOLE_WORKER_COUNT: "1",
      // As .env.production has it: nginx must have found the restarted server again before the next one goes.
      PINHOLE_DRAIN_DELAY_MS: "5000",
    };
    const servers = await Promise.all([startServer(settings), startServer(settings)]);
    const site = await startSite(
      servers.map(({ port }) => `127.0.0.1:${port}`),
      { SITE_UPLOAD_RATE: "10000r/s", SITE_REQUEST_RATE: "10000r/s" },
    );
    const leaf = (await photographs())[0]!.bytes;
    const answers: string[] = [];
    let rolling = true;
    const client = async () => {
      while (rolling) {
        const response = await site
          .fetch("/api/v1/predict", { method: "POST", body: leaf, headers: { "Content-Type": "image/jpeg" } })
          .then(async (response) => `${response.status} ${response.ok ? "" : await response.text()}`, String);
        answers.push(response);
        await Bun.sleep(20);
      }
    };
    const clients = [client(), client(), client(), client()];
    try {
      for (const [index, server] of servers.entries()) {
        server.signal("SIGTERM");
        expect(await server.exited).toBe(0);
        servers[index] = await startServer({ ...settings, PORT: String(server.port) });
      }
      await Bun.sleep(500);
    } finally {
      rolling = false;
      await Promise.all(clients);
      const log = await site.accessLog();
      const lost = answers.filter((answer) => answer !== "200 ");
      if (lost.length > 0) console.error(await site.errorLog());
      await site.stop();
      for (const server of servers) await server.stop();
      expect(lost).toEqual([]);
      expect(answers.length).toBeGreaterThan(100);
      // Both served, before and after.
      expect(new Set(log.map(({ upstream }) => String(upstream).split(", ").at(-1))).size).toBe(2);
    }
  }, 60_000);
});
