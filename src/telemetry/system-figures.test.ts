import { expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { systemClock } from "../clock.ts";
import { SystemReader } from "./system-figures.ts";

const reader = (dataDir: string) =>
  new SystemReader({
    dataDir,
    memoryLimitBytes: 123,
    usableCores: 1,
    clock: systemClock,
    eventLoopDelay: () => ({ meanMs: 1, maxMs: 2 }),
  });

test("tells what is: files that are opened, a disk with room, a start in the past", async () => {
  const system = reader(import.meta.dir);
  const before = await system.read();
  const files = Array.from({ length: 5 }, () => openSync(import.meta.path, "r"));
  const { process, disk, memory, cpu } = await system.read();
  for (const file of files) closeSync(file);
  expect(process.openFiles! - before.process.openFiles!).toBe(5);
  expect(process.openFilesLimit).toBeGreaterThan(process.openFiles!);
  expect(disk.freeBytes).toBeGreaterThan(0);
  expect(disk.totalBytes).toBeGreaterThanOrEqual(disk.freeBytes!);
  expect(process.startedAt.getTime()).toBeLessThan(Date.now());
  expect(process.startedAt).toEqual(before.process.startedAt);
  expect(process.cpuUserSeconds).toBeGreaterThan(0);
  expect(memory).toMatchObject({ limitBytes: 123 });
  expect(cpu.loadAverage).toHaveLength(3);
});

test("a disk that cannot be asked has no figures", async () => {
  expect((await reader("/no/such/directory").read()).disk).toEqual({ totalBytes: null, freeBytes: null });
});
