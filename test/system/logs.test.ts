import { describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSentry } from "../stubs/sentry.ts";
import { plain } from "./pictures.ts";
import { asOperator, OPERATOR_TOKEN, type RunningServer, startServer } from "./server.ts";

const SMALL_MODELS = { PINHOLE_MODELS_DIR: "test/fixtures/models", PINHOLE_MODEL_DEFAULT: "rgb-float32" };

// biome-ignore lint/suspicious/noExplicitAny: what is logged is what is being tested
type Line = Record<string, any>;

const linesOf = (text: string): Line[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);

/** Ends it and gives its exit code; what it wrote can still be read. */
async function ended(server: RunningServer): Promise<number> {
  server.signal("SIGTERM");
  return server.exited;
}

/** Lines are written behind the answer: waits until what is looked for is there. */
async function until<T>(find: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const giveUpAt = performance.now() + 20_000;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (performance.now() > giveUpAt) throw new Error("it did not come");
    await Bun.sleep(20);
  }
}

const predict = (server: RunningServer, body: RequestInit["body"], query = "", headers = {}) =>
  fetch(`${server.url}/api/v1/predict${query}`, {
    method: "POST",
    body,
    headers: { "Content-Type": "image/png", ...headers },
  });

async function changeLevel(server: RunningServer, level: string): Promise<Response> {
  return fetch(`${server.url}/api/v1/admin/log-level`, {
    method: "PUT",
    body: JSON.stringify({ level }),
    headers: { ...asOperator.headers, "Content-Type": "application/json" },
  });
}

describe("on stdout", () => {
  test("every request has its line, predictions theirs; no address, token or file name is in any", async () => {
    await using server = await startServer({ ...SMALL_MODELS, PINHOLE_LOG_SLOW_REQUEST_MS: "100" });
    const red = await plain(255, 0, 0);
    const form = new FormData();
    form.append("file", new File([red], "my-garden-in-bonn.png", { type: "image/png" }));
    const headers = { "X-Request-Id": "seen", "X-Forwarded-For": "203.0.113.9", Cookie: "session=s3cret" };
    const answered = await fetch(`${server.url}/api/v1/predict`, { method: "POST", body: form, headers });
    expect(answered.status).toBe(200);
    const sent = Buffer.byteLength(await answered.text());
    await fetch(`${server.url}/api/v1/predictions`, asOperator);
    await fetch(`${server.url}/metrics`, { headers: { Authorization: "Bearer s3cret-that-is-wrong" } });
    const slowly = new ReadableStream({
      async start(controller) {
        controller.enqueue(red.subarray(0, 20));
        await Bun.sleep(300);
        controller.enqueue(red.subarray(20));
        controller.close();
      },
    });
    expect((await predict(server, slowly, "", { "X-Request-Id": "slow" })).status).toBe(200);

    const find = async (stream: string, id: string) =>
      linesOf(await server.log()).find((line) => line.stream === stream && line.request_id === id);
    const access = await until(() => find("access", "seen"));
    expect(access).toMatchObject({
      level: "info",
      method: "POST",
      route: "/api/v1/predict",
      status: 200,
      sent_bytes: sent,
      model: "rgb-float32/1.1.0",
      client: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(await until(() => find("inference", "seen"))).toMatchObject({
      client: access.client,
      model: "rgb-float32/1.1.0",
      class: "red",
      confidence: expect.stringMatching(/^(HIGH|MEDIUM|LOW)$/),
      cached: false,
      timings_ms: { infer: expect.any(Number), total: expect.any(Number) },
    });
    const slow = await until(() => find("slow_request", "slow"));
    expect(slow).toMatchObject({ level: "warn", status: 200, timings_ms: { read: expect.any(Number) } });
    expect(slow.duration_ms).toBeGreaterThan(100);
    expect(await ended(server)).toBe(0);
    expect(await server.log()).not.toMatch(/203\.0\.113|s3cret|garden/);
  });

  test("nothing of a client but its hash is in the log, at any level", async () => {
    const home = await mkdtemp(join(tmpdir(), "pinhole-logs-"));
    try {
      await using server = await startServer({
        ...SMALL_MODELS,
        PINHOLE_LOG_LEVEL: "debug",
        PINHOLE_LOG_DIR: home,
        PINHOLE_TRUSTED_PROXIES: "127.0.0.1",
      });
      const headers = {
        "X-Forwarded-For": "203.0.113.9",
        Cookie: "session=s3cret",
        Authorization: "Bearer s3cret-that-is-wrong",
      };
      await predict(server, await plain(255, 0, 0), "", headers);
      await predict(server, "no photograph", "", headers);
      await fetch(`${server.url}/metrics`, { headers });
      await fetch(`${server.url}/nope?token=s3cret`, { headers });
      expect(await ended(server)).toBe(0);
      const names = (await readdir(home)).sort();
      expect(names).toEqual(["access.log", "inference.log", "server.log"]);
      const text = (await Promise.all(names.map((name) => Bun.file(join(home, name)).text()))).join("");
      expect(linesOf(text).filter(({ stream }) => stream === "access").length).toBeGreaterThanOrEqual(4);
      const told = text.replaceAll(server.url, "");
      for (const secret of ["203.0.113", "127.0.0.1", "s3cret", OPERATOR_TOKEN])
        expect(told).not.toContain(secret);
      expect(await server.log()).not.toContain('"stream"');
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });
});

test("a standard output that takes nothing costs the lines, which are counted, and no request", async () => {
  const under = ["sh", "-c", 'exec "$@" >/dev/full', "sh"];
  await using server = await startServer(SMALL_MODELS, { under });
  expect((await predict(server, await plain(255, 0, 0))).status).toBe(200);
  const lost = async () => {
    const text = await (await fetch(`${server.url}/metrics`, asOperator)).text();
    return Number(/^pinhole_log_lines_lost_total (\d+)/m.exec(text)![1]);
  };
  await until(async () => ((await lost()) > 0 ? true : undefined));
  expect(await ended(server)).toBe(0);
  expect(await server.log()).toContain("the log cannot be written: Error: ENOSPC");
});

describe("the level of a running server", () => {
  test("is changed by operators and by SIGUSR2", async () => {
    await using server = await startServer({ ...SMALL_MODELS, PINHOLE_LOG_LEVEL: "warn" });
    const level = async () => {
      const response = await fetch(`${server.url}/api/v1/admin/log-level`, asOperator);
      return ((await response.json()) as { level: string }).level;
    };
    expect(await level()).toBe("warn");
    const logged = async (id: string) => linesOf(await server.log()).find((line) => line.request_id === id);
    const ask = (id: string) => fetch(`${server.url}/health`, { headers: { "X-Request-Id": id } });
    await ask("before");
    expect((await changeLevel(server, "info")).status).toBe(200);
    await ask("after");
    await until(() => logged("after"));
    expect(await logged("before")).toBeUndefined();

    const refused = await changeLevel(server, "loud");
    expect([refused.status, await level()]).toEqual([422, "info"]);
    const unknown = await fetch(`${server.url}/api/v1/admin/log-level`, { method: "PUT", body: "{}" });
    expect(unknown.status).toBe(401);

    for (const expected of ["debug", "warn", "debug"]) {
      process.kill(server.pid, "SIGUSR2");
      await until(async () => ((await level()) === expected ? true : undefined));
    }
    expect(await ended(server)).toBe(0);
  });
});

describe("Sentry", () => {
  test("is told of the server's own errors, without the client; of refusals it is not", async () => {
    using sentry = startSentry();
    await using server = await startServer({
      ...SMALL_MODELS,
      PINHOLE_SENTRY_DSN: sentry.dsn,
      PINHOLE_ENVIRONMENT: "staging",
      PINHOLE_DRAIN_DELAY_MS: "0",
    });
    const headers = { "X-Request-Id": "broken", Cookie: "session=s3cret" };
    const white = await plain(255, 255, 255);
    expect((await predict(server, "no photograph")).status).toBe(400);
    const strict = { ...headers, Prefer: "handling=strict" };
    expect((await predict(server, white, "?model=fails-on-white", strict)).status).toBe(500);
    const event = await until(() => sentry.events()[0]);
    expect(event).toMatchObject({
      environment: "staging",
      release: expect.stringMatching(/^pinhole@\d/),
      level: "error",
      tags: { request_id: "broken" },
    });
    expect(event.exception.values.at(-1).type).toBe("PinholeError");
    expect(await ended(server)).toBe(0);
    expect(sentry.events()).toHaveLength(1);
    expect(JSON.stringify(sentry.envelopes)).not.toMatch(/s3cret|127\.0\.0\.1|"client"/);
    expect(await server.log()).toContain("PINHOLE_SENTRY_DSN=(hidden)");
  });

  test("that is gone or silent costs no answer and no clean end", async () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    using sentry = startSentry(() => promise);
    await using server = await startServer({ ...SMALL_MODELS, PINHOLE_SENTRY_DSN: sentry.dsn });
    const white = await plain(255, 255, 255);
    for (let n = 0; n < 5; n++) {
      const response = await predict(server, white, "?model=fails-on-white");
      expect([response.status, ((await response.json()) as Line).fallback]).toEqual([200, true]);
    }
    await until(() => sentry.envelopes[0]);
    expect(await ended(server)).toBe(0);
    resolve(Response.json({}));
  });

  test("a DSN that is none stops the start without being shown", async () => {
    const message = await startServer({ PINHOLE_SENTRY_DSN: "https://s3cret" }).then(() => "started", String);
    expect(message).toContain("PINHOLE_SENTRY_DSN: expected a DSN such as");
    expect(message).not.toContain("s3cret");
  });
});
