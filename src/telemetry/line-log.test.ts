import { describe, expect, test } from "bun:test";
import pino from "pino";
import { LineLog } from "./line-log.ts";

const FIELDS = {
  client: 'a\u2028"b"',
  status: 200,
  sent_bytes: null,
  unknown: Number.NaN,
  absent: undefined,
  cached: true,
  timings_ms: { read: 0.1, total: 0.25 },
};

describe("a line", () => {
  test("is pino's, but for its time", () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const base = { service: "pinhole", stream: "access" };
    const options = {
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level: string) => ({ level }) },
    };
    pino(options, destination).info(FIELDS, "request");
    new LineLog("info", base, destination).info(FIELDS, "request");
    const [theirs, ours] = lines.map((line) => line.replace(/"time":"[^"]{24}"/, ""));
    expect(ours!).toBe(theirs!);
    expect(Date.parse(JSON.parse(lines[1]!).time)).toBeGreaterThan(0);
  });

  test("is written at info and debug only", () => {
    const lines: string[] = [];
    const log = new LineLog("silent", { service: "pinhole" }, { write: (line) => void lines.push(line) });
    for (const level of ["debug", "info", "warn", "error", "silent"]) {
      log.level = level;
      log.info({ at: level }, "m");
    }
    expect(lines.map((line) => JSON.parse(line).at)).toEqual(["debug", "info"]);
  });
});
