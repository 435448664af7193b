import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { startSentry } from "../../test/stubs/sentry.ts";
import { randomId, systemClock } from "../clock.ts";
import { ConfigError } from "../config.ts";
import { PinholeError } from "../errors.ts";
import { ErrorReporter, type ErrorReporterOptions } from "./error-reporter.ts";
import { parseDsn } from "./sentry-event.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const origin = {
  release: "pinhole@1.2.3",
  environment: "production",
  runtime: { name: "bun", version: "1.4.5" },
  root: ROOT,
} as const;

const reporter = (dsn: string, more: Partial<ErrorReporterOptions> = {}) =>
  new ErrorReporter({ dsn: parseDsn(dsn), origin, clock: systemClock, newId: randomId, ...more });

describe("a DSN", () => {
  test.each([
    ["https://key@sentry.example/1", "https://sentry.example/api/1/envelope/"],
    ["https://key:old-secret@sentry.example:9000/1", "https://sentry.example:9000/api/1/envelope/"],
    ["http://key@127.0.0.1:9000/a/b/77", "http://127.0.0.1:9000/a/b/api/77/envelope/"],
  ])("%s", (dsn, envelopeUrl) => {
    expect(parseDsn(dsn)).toEqual({ envelopeUrl, publicKey: "key" });
  });

  test.each(["no", "https://sentry.example/1", "https://key@sentry.example/", "ftp://key@sentry.example/1"])(
    "%s is refused without being shown",
    (dsn) => {
      expect(() => parseDsn(dsn)).toThrow(ConfigError);
      expect(() => parseDsn(dsn)).toThrow(`a value of ${dsn.length} characters`);
    },
  );
});

describe("a report", () => {
  test("is an envelope with the error, its causes and the stack", async () => {
    using sentry = startSentry();
    const reports = reporter(sentry.dsn);
    const cause = new TypeError("connect to 10.1.2.3:99 failed");
    const err = new PinholeError("INFERENCE_FAILED", "It failed.", { cause });
    reports.report({ err, code: "INFERENCE_FAILED", route: "/api/v1/predict", status: 500 }, "It failed.");
    await reports.flush(5000);

    expect(sentry.envelopes).toHaveLength(1);
    const [{ path, auth, header, items }] = sentry.envelopes as [(typeof sentry.envelopes)[0]];
    expect(path).toBe("/below/api/42/envelope/");
    expect(auth).toBe("Sentry sentry_version=7, sentry_client=pinhole/1.2.3, sentry_key=publickey");
    expect(items.map((item) => item.header.type)).toEqual(["event"]);
    const [event] = sentry.events();
    expect(header.event_id).toBe(event.event_id);
    expect(event.event_id).toMatch(/^[0-9a-f]{32}$/);
    expect(Math.abs(event.timestamp * 1000 - Date.now())).toBeLessThan(60_000);
    expect(event).toMatchObject({
      platform: "node",
      level: "error",
      release: "pinhole@1.2.3",
      environment: "production",
      message: { formatted: "It failed." },
      tags: { code: "INFERENCE_FAILED", route: "/api/v1/predict", status: "500" },
      contexts: { runtime: { name: "bun", version: "1.4.5" } },
    });
    const [inner, outer] = event.exception.values;
    expect(inner).toMatchObject({ type: "TypeError", value: "connect to (address):99 failed" });
    expect(outer).toMatchObject({ type: "PinholeError", value: "INFERENCE_FAILED: It failed." });
    expect(outer.stacktrace.frames.at(-1)).toMatchObject({
      filename: "src/telemetry/error-reporter.test.ts",
      in_app: true,
      lineno: expect.any(Number),
    });
    expect(reports.statistics()).toEqual({ sent: 1, failed: 0, dropped: 0 });
  });

  test("holds nothing of the client, whatever the line holds", async () => {
    using sentry = startSentry();
    const reports = reporter(sentry.dsn);
    const err = Object.assign(new Error("peer 192.0.2.77 and 2001:db8::7"), {
      headers: { authorization: "Bearer abc" },
      body: "a photograph",
    });
    const fields = {
      err,
      client: "c0ffee",
      address: "192.0.2.77",
      headers: { cookie: "session=1" },
      body: "a photograph",
      request_id: "r-1",
    };
    reports.report(fields, "from 192.0.2.77");
    await reports.flush(5000);
    const text = JSON.stringify(sentry.envelopes);
    for (const secret of ["192.0.2.77", "2001:db8", "Bearer", "abc", "session", "c0ffee", "photograph"])
      expect(text).not.toContain(secret);
    expect(sentry.events()[0].tags).toEqual({ request_id: "r-1" });
  });

  test("of a line without an error is its message", async () => {
    using sentry = startSentry();
    const reports = reporter(sentry.dsn);
    reports.report({ event: "worker_lost", worker: 1, cause: "/secret/path" }, "worker trouble");
    await reports.flush(5000);
    const [event] = sentry.events();
    expect(event).not.toHaveProperty("exception");
    expect(event).toMatchObject({ message: { formatted: "worker trouble" }, tags: { event: "worker_lost" } });
    expect(JSON.stringify(event)).not.toContain("secret");
  });

  test("of the same error is sent once", async () => {
    using sentry = startSentry();
    const reports = reporter(sentry.dsn);
    const err = new Error("once");
    reports.report({ err }, "where it happened");
    reports.report({ err }, "where it was answered");
    await reports.flush(5000);
    expect(sentry.envelopes).toHaveLength(1);
  });
});

describe("many reports", () => {
  test("are cut to so many a minute, and the rest is counted", async () => {
    using sentry = startSentry();
    const clock = new ManualClock();
    const reports = reporter(sentry.dsn, { clock });
    const burst = async () => {
      for (let n = 0; n < 100; n++) reports.report({ err: new Error(String(n)) }, "again");
      await reports.flush(5000);
    };
    await burst();
    expect(reports.statistics()).toEqual({ sent: 30, failed: 0, dropped: 70 });
    clock.advance(60_000);
    await burst();
    expect(reports.statistics()).toEqual({ sent: 60, failed: 0, dropped: 140 });
    expect(sentry.envelopes).toHaveLength(60);
  });

  test("stop for as long as Sentry asks", async () => {
    using sentry = startSentry(() => new Response("", { status: 429, headers: { "retry-after": "120" } }));
    const clock = new ManualClock();
    const reports = reporter(sentry.dsn, { clock });
    const report = async () => {
      reports.report({ err: new Error("x") }, "x");
      await reports.flush(5000);
    };
    await report();
    clock.advance(119_000);
    await report();
    expect(sentry.envelopes).toHaveLength(1);
    clock.advance(2000);
    await report();
    expect(sentry.envelopes).toHaveLength(2);
    expect(reports.statistics()).toEqual({ sent: 0, failed: 2, dropped: 1 });
  });
});

describe("a Sentry in trouble", () => {
  test("that is not there is counted and nothing else", async () => {
    const dsn = startSentry();
    dsn[Symbol.dispose]();
    const reports = reporter(dsn.dsn);
    reports.report({ err: new Error("x") }, "x");
    await reports.flush(5000);
    expect(reports.statistics()).toEqual({ sent: 0, failed: 1, dropped: 0 });
  });

  test("that never answers keeps nobody waiting longer than they want", async () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    using sentry = startSentry(() => promise);
    const clock = new ManualClock();
    const reports = reporter(sentry.dsn, { clock });
    for (let n = 0; n < 30; n++) reports.report({ err: new Error("x") }, "x");
    const flushed = reports.flush(1500);
    clock.advance(1500);
    await flushed;
    expect(reports.statistics().sent).toBe(0);
    resolve(Response.json({}));
  });
});
