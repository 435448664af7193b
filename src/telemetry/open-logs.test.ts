import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { openLogs } from "./open-logs.ts";

describe("in files", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "pinhole-log-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const open = (more: object = {}, onTrouble: (error: unknown) => void = () => undefined) =>
    openLogs(
      {
        logLevel: "info",
        logFormat: "pretty",
        logDir: join(directory, "a/b"),
        logFileMaxBytes: 64 * 1024,
        logFileMaxAgeHours: 24,
        logFilesKept: 2,
        environment: "production",
        ...more,
      },
      { clock: systemClock, onTrouble },
    );

  test("each stream has its own, JSON whatever the format, rotated by size", async () => {
    const logs = open();
    logs.server.info("one");
    logs.server.error("two");
    logs.inference.info({}, "three");
    logs.slowRequest.warn("four");
    for (let n = 0; n < 1000; n++) logs.access.info({ n, padding: "x".repeat(250) }, "request");
    await logs.close();
    const found = (await readdir(join(directory, "a/b"))).sort();
    expect(found).toEqual([
      "access.log",
      "access.log.1",
      "access.log.2",
      "error.log",
      "inference.log",
      "server.log",
      "slow-request.log",
    ]);
    const read = (name: string) => Bun.file(join(directory, "a/b", name)).text();
    expect(JSON.parse(await read("error.log"))).toMatchObject({ stream: "error", msg: "two" });
    expect(JSON.parse(await read("server.log"))).toMatchObject({ stream: "server", msg: "one" });
    const newest = (await read("access.log")).trim().split("\n").at(-1)!;
    expect(JSON.parse(newest)).toMatchObject({ stream: "access", n: 999 });
    expect(logs.lost).toBe(0);
  });

  test("lines of the last moment are there when the process must end at once", () => {
    const logs = open();
    logs.server.info("last words");
    logs.flushSync();
    expect(readFileSync(join(directory, "a/b/server.log"), "utf8")).toContain("last words");
  });

  test("a directory that cannot be written costs the lines, counts them and is told", async () => {
    const told: unknown[] = [];
    const logs = open({ logDir: "/dev/null/logs" }, (error) => told.push(error));
    logs.server.info("one");
    logs.access.info({}, "two");
    await logs.close();
    expect([logs.lost, told.length]).toEqual([2, 2]);
  });
});
