import { describe, expect, test } from "bun:test";
import { PinholeError } from "../errors.ts";
import { type LogLevel, Logs, type LogsOptions } from "./log.ts";

function gather(options: Partial<LogsOptions> = {}) {
  const lines: Record<string, unknown>[] = [];
  const streams: string[] = [];
  const logs = new Logs({
    level: "info",
    destination: (stream) => ({
      write(line: string) {
        streams.push(stream);
        lines.push(JSON.parse(line));
      },
    }),
    ...options,
  });
  return { logs, lines, streams, last: () => lines.at(-1)! };
}

describe("a line", () => {
  test("is a JSON object with time, level, service and stream", () => {
    const { logs, last } = gather();
    logs.server.info({ models: ["a"] }, "listening");
    expect(last()).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: "pinhole",
      stream: "server",
      models: ["a"],
      msg: "listening",
    });
  });

  test("goes to its stream, and errors of the server to the stream error, once", () => {
    const { logs, lines, streams } = gather();
    logs.server.warn("refused");
    logs.server.error("broken");
    logs.access.info({ status: 200 }, "request");
    logs.inference.info({}, "prediction");
    logs.slowRequest.warn("slow request");
    const expected = ["server", "error", "access", "inference", "slow_request"];
    expect(lines.map(({ stream }) => stream as string)).toEqual(expected);
    expect(streams).toEqual(expected);
  });
});

describe("redaction", () => {
  test("hides credentials and addresses by their names, three levels deep", () => {
    const { logs, last } = gather();
    const secrets = {
      authorization: "s3cret",
      token: "s3cret",
      cookie: "s3cret",
      "set-cookie": "s3cret",
      "x-forwarded-for": "s3cret",
      address: "s3cret",
      headers: { any: "s3cret" },
    };
    logs.server.info({ ...secrets, request: { ...secrets, more: secrets } }, "x");
    const text = JSON.stringify(last());
    expect(text).not.toContain("s3cret");
    expect(text.match(/\(hidden\)/g)).toHaveLength(3 * Object.keys(secrets).length);
  });

  test("leaves what the caller passed as it was", () => {
    const { logs } = gather();
    const fields = { token: "mine", nested: { cookie: "mine" } };
    logs.server.info(fields, "x");
    expect(fields).toEqual({ token: "mine", nested: { cookie: "mine" } });
  });

  test("of an error shows its type, text, stack and causes, not what hangs onto it, and no address", () => {
    const { logs, last } = gather();
    const cause = new Error("connect to 192.0.2.1 failed");
    const err = Object.assign(new PinholeError("INFERENCE_FAILED", "It failed.", { cause }), {
      request: { headers: { authorization: "s3cret" } },
    });
    logs.server.error({ err, cause: "peer 192.0.2.1" }, "x");
    expect(last().err).toEqual({
      type: "PinholeError",
      message: expect.stringContaining("INFERENCE_FAILED: It failed."),
      stack: expect.stringContaining("connect to (address) failed"),
      code: "INFERENCE_FAILED",
    });
    expect(JSON.stringify(last())).not.toMatch(/192\.0\.2\.1|s3cret/);
  });
});

describe("the level", () => {
  const written = (logs: Logs, lines: unknown[]) => {
    lines.splice(0);
    logs.server.debug("d");
    logs.access.info({}, "i");
    logs.slowRequest.warn("w");
    logs.server.error("e");
    return lines.length;
  };

  test.each([
    ["debug", 4],
    ["info", 3],
    ["warn", 2],
    ["error", 1],
    ["silent", 0],
  ] as [LogLevel, number][])("%s holds for every stream", (level, count) => {
    const { logs, lines } = gather({ level });
    expect([logs.level, written(logs, lines)]).toEqual([level, count]);
    const changed = gather();
    changed.logs.level = level;
    expect([changed.logs.level, written(changed.logs, changed.lines)]).toEqual([level, count]);
  });

  test("is toggled between debug and what the settings say", () => {
    const { logs } = gather({ level: "warn" });
    const seen = [1, 2, 3].map(() => {
      logs.toggleDebug();
      return logs.level;
    });
    expect(seen).toEqual(["debug", "warn", "debug"]);
    logs.level = "error";
    logs.toggleDebug();
    expect([logs.level, logs.configuredLevel]).toEqual(["debug", "warn"]);
  });
});

describe("errors", () => {
  test("are told with fields and message, however they are logged", () => {
    const told: [Record<string, unknown>, string][] = [];
    const { logs } = gather({ onError: (...args) => told.push(args) });
    const err = new Error("why");
    logs.server.error({ err, code: "X" }, "it failed");
    logs.server.error(err, "it failed");
    logs.server.error(err);
    logs.server.error("words");
    logs.server.warn({ err }, "not this");
    logs.access.info({}, "not this");
    expect(told).toEqual([
      [{ err, code: "X" }, "it failed"],
      [{ err }, "it failed"],
      [{ err }, "why"],
      [{}, "words"],
    ]);
  });
});
