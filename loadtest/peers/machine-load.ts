import { readFileSync } from "node:fs";

/** USER_HZ, which is 100 on every Linux that we run on. */
const TICK_MS = 10;

/**
 * CPU time in ms that all cores together have spent working, from the text of /proc/stat: everything but idle,
 * waiting for disks, and what another guest of the host took.
 * @throws RangeError when its first line is not that of all CPUs
 */
export function busyCpuMs(stat: string): number {
  const fields = /^cpu +(\d[\d ]*)$/m.exec(stat)?.[1]?.split(" ").map(Number);
  if (!fields || fields.length < 7) throw new RangeError("not /proc/stat");
  const [user, nice, system, , , irq, softirq] = fields;
  return (user! + nice! + system! + irq! + softirq!) * TICK_MS;
}

export function machineCpuMs(): number {
  return busyCpuMs(readFileSync("/proc/stat", "utf8"));
}
