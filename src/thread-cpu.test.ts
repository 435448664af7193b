import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { threadCpuMs } from "./thread-cpu.ts";

const THREAD = new URL("thread-cpu.fixture.ts", import.meta.url);

test("waiting costs nothing", async () => {
  const before = await threadCpuMs();
  await Bun.sleep(100);
  expect((await threadCpuMs()) - before).toBeLessThan(50);
});

test("what a thread has worked is counted, and not that others had its core", async () => {
  const threads = Array.from({ length: 4 * availableParallelism() }, () => new Worker(THREAD));
  const costs = await Promise.all(
    threads.map((thread) => {
      const { promise, resolve } = Promise.withResolvers<{ cpuMs: number; wallMs: number }[]>();
      thread.onmessage = ({ data }) => resolve(data);
      return promise;
    }),
  );
  for (const thread of threads) thread.postMessage("leave");
  const all = costs.flat();
  const sum = (of: (cost: (typeof all)[number]) => number) =>
    all.reduce((total, cost) => total + of(cost), 0);
  // The work took at least this: the shortest time that any of these pieces took by the clock.
  const leastMs = Math.min(...all.map(({ wallMs }) => wallMs));
  expect(sum(({ cpuMs }) => cpuMs)).toBeGreaterThan(0.8 * leastMs * all.length);
  // Four threads share each core: by the clock most pieces last longer than what they cost.
  expect(sum(({ cpuMs }) => cpuMs)).toBeLessThan(0.9 * sum(({ wallMs }) => wallMs));
});
