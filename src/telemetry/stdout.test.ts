import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { standardOutput } from "./stdout.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pinhole-stdout-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const line = (n: number) => `${n} ${"x".repeat(1000)}\n`;
const troubles: unknown[] = [];
const onTrouble = (error: unknown) => void troubles.push(error);

/** A pipe that takes 64 KiB and then nothing until it is read. */
function pipe(): number {
  const path = join(directory, "pipe");
  Bun.spawnSync(["mkfifo", path]);
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
}

describe("standardOutput", () => {
  test("writes every line, in order", async () => {
    const path = join(directory, "out");
    const fd = openSync(path, "a");
    const out = standardOutput(onTrouble, fd);
    for (let n = 0; n < 500; n++) out.write(line(n));
    await out.flush();
    out.write("last\n");
    out.flushSync();
    closeSync(fd);
    expect(readFileSync(path, "utf8")).toBe(
      `${Array.from({ length: 500 }, (_, n) => line(n)).join("")}last\n`,
    );
    expect(out.lost).toBe(0);
  });

  test("a full disk costs the lines, at once or at the end, and is told once", async () => {
    const fd = openSync("/dev/full", "w");
    const out = standardOutput(onTrouble, fd);
    const before = troubles.length;
    out.write(line(0));
    await out.flush();
    out.write(line(1));
    out.flushSync();
    closeSync(fd);
    expect([out.lost, troubles.length - before]).toEqual([2, 1]);
  });

  test("a reader that is behind is waited for, and nothing is lost", async () => {
    const fd = pipe();
    const out = standardOutput(onTrouble, fd);
    for (let n = 0; n < 200; n++) out.write(line(n));
    const flushed = out.flush().then(() => true);
    expect(await Promise.race([flushed, Bun.sleep(100).then(() => false)])).toBe(false);
    const wanted = Array.from({ length: 200 }, (_, n) => line(n)).join("");
    let read = "";
    const buffer = Buffer.alloc(64 * 1024);
    while (read.length < wanted.length) {
      try {
        read += buffer.subarray(0, readSync(fd, buffer)).toString();
      } catch {
        await Bun.sleep(5);
      }
    }
    await flushed;
    closeSync(fd);
    expect(read).toBe(wanted);
    expect(out.lost).toBe(0);
  });

  test("one that never reads does not hold up a process that ends at once", () => {
    const fd = pipe();
    const out = standardOutput(onTrouble, fd);
    for (let n = 0; n < 200; n++) out.write(line(n));
    out.flushSync();
    closeSync(fd);
    expect(out.lost).toBe(200);
  });
});
