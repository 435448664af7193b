import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { RotatingFile, type RotatingFileOptions } from "./rotating-file.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pinhole-rotating-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const troubles: unknown[] = [];
const open = (options: Partial<RotatingFileOptions> = {}) =>
  new RotatingFile({
    path: join(directory, "logs/access.log"),
    maxBytes: 1000,
    maxAgeMs: 3_600_000,
    kept: 3,
    clock: systemClock,
    onTrouble: (error) => troubles.push(error),
    ...options,
  });
const text = (name: string) => Bun.file(join(directory, "logs", name)).text();
const names = async () => (await readdir(join(directory, "logs"))).sort();
/** 100 bytes with the newline. */
const line = (n: number) => `${String(n).padStart(4, "0")}${"x".repeat(95)}\n`;

describe("RotatingFile", () => {
  test("appends in order, across restarts", async () => {
    const first = open();
    for (let n = 0; n < 3; n++) first.write(line(n));
    await first.close();
    const second = open();
    second.write(line(3));
    await second.close();
    expect(await text("access.log")).toBe([0, 1, 2, 3].map(line).join(""));
    expect(await names()).toEqual(["access.log"]);
  });

  test("rotates by size, counting what a former process left, and keeps so many", async () => {
    for (let n = 0; n < 65; n++) {
      const file = open();
      file.write(line(n));
      await file.close();
    }
    expect(await names()).toEqual(["access.log", "access.log.1", "access.log.2", "access.log.3"]);
    const range = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => line(from + index)).join("");
    expect(await text("access.log")).toBe(range(60, 65));
    expect(await text("access.log.1")).toBe(range(50, 60));
    expect(await text("access.log.3")).toBe(range(30, 40));
  });

  test("a burst is cut into files that are not larger than allowed, nothing of it lost", async () => {
    const file = open({ kept: 10 });
    for (let n = 0; n < 55; n++) file.write(line(n));
    await file.close();
    const found = await names();
    expect(found).toHaveLength(6);
    const texts = await Promise.all(found.map(text));
    for (const one of texts) expect(one.length).toBeLessThanOrEqual(1000);
    const lines = texts.join("").trim().split("\n").sort();
    expect(lines).toEqual(Array.from({ length: 55 }, (_, n) => line(n).trim()));
  });

  test("rotates by age at the next write", async () => {
    let shiftMs = 0;
    const clock = { ...systemClock, wall: () => Date.now() + shiftMs };
    const file = open({ clock });
    file.write(line(0));
    await file.flush();
    shiftMs = 3_590_000;
    file.write(line(1));
    await file.flush();
    expect(await names()).toEqual(["access.log"]);
    shiftMs = 3_610_000;
    file.write(line(2));
    await file.flush();
    expect(await text("access.log.1")).toBe(line(0) + line(1));
    expect(await text("access.log")).toBe(line(2));
    file.write(line(3));
    await file.close();
    expect(await text("access.log")).toBe(line(2) + line(3));
  });

  test("a disk that takes nothing loses lines, is told once, and is used again when it can be", async () => {
    await Bun.write(join(directory, "logs"), "a file where the directory should be");
    const before = troubles.length;
    const file = open();
    file.write(line(0));
    await file.flush();
    file.write(line(1));
    await file.flush();
    expect([file.lost, troubles.length - before]).toEqual([2, 1]);
    await rm(join(directory, "logs"));
    file.write(line(2));
    await file.flush();
    expect([file.lost, await text("access.log")]).toEqual([2, line(2)]);
    await file.close();
  });

  test("lines past what may wait are counted as lost", async () => {
    const file = open({ maxBytes: 64 * 1024 * 1024 });
    const mebibyte = `${"x".repeat(1024 * 1024 - 1)}\n`;
    for (let n = 0; n < 10; n++) file.write(mebibyte);
    await file.close();
    expect(file.lost).toBe(2);
    expect((await text("access.log")).length).toBe(8 * 1024 * 1024);
  });

  test("flushSync writes what waits before it returns", async () => {
    await mkdir(join(directory, "logs"));
    const file = open();
    file.write(line(0));
    file.write(line(1));
    file.flushSync();
    expect(await text("access.log")).toBe(line(0) + line(1));
    await file.close();
    expect(await text("access.log")).toBe(line(0) + line(1));
  });

  test("others on the machine cannot read it", async () => {
    const file = open();
    file.write(line(0));
    await file.close();
    await chmod(directory, 0o700);
    const { mode } = await Bun.file(join(directory, "logs/access.log")).stat();
    expect(mode & 0o007).toBe(0);
  });
});
