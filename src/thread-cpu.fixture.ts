import { threadCpuMs } from "./thread-cpu.ts";

/** A thread that says what equal pieces of work have cost it, in CPU time and by the clock. */
declare const self: Worker;

const ROUNDS = 20;
const STEPS = 5_000_000;

const costs: { cpuMs: number; wallMs: number }[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const [cpuBefore, startedAt] = [await threadCpuMs(), performance.now()];
  for (let step = 0; step < STEPS; step++);
  const wallMs = performance.now() - startedAt;
  costs.push({ cpuMs: (await threadCpuMs()) - cpuBefore, wallMs });
}
self.postMessage(costs);
self.onmessage = () => process.exit(0);
