import { readFileSync } from "node:fs";
import { asOperator, type RunningServer } from "./server.ts";

/** Resident memory of a process in bytes. */
export const residentBytes = (pid: number): number => statusBytes(pid, "VmRSS");

/** What of it is in no file, so shared with no other process of the same program. */
export const ownBytes = (pid: number): number => statusBytes(pid, "RssAnon");

function statusBytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
}

export const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Permits, images in flight and everything that waits: each must be there, and come back to zero. */
const HELD = [
  "pinhole_reading_requests",
  "pinhole_reading_bytes",
  "pinhole_admitted_requests",
  "pinhole_held_bytes",
  "pinhole_queue_waiting_requests",
  "pinhole_in_flight_images",
  "pinhole_batcher_waiting_rows",
];

export const NOTHING_HELD: Readonly<Record<string, number>> = Object.fromEntries(
  HELD.map((name) => [name, 0]),
);

/** What the server says it holds, by metric; NaN for a metric that is not there. */
export async function held(server: RunningServer): Promise<Record<string, number>> {
  const text = await (await fetch(`${server.url}/metrics`, asOperator)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  return Object.fromEntries(HELD.map((name) => [name, value(name)]));
}

/** The same, once it is nothing or five seconds have passed: the last who left may still be on their way out. */
export async function heldInTheEnd(server: RunningServer): Promise<Record<string, number>> {
  const isEmpty = async () => Object.values(await held(server)).every((value) => value === 0);
  for (let tries = 0; tries < 50 && !(await isEmpty()); tries++) await Bun.sleep(100);
  return held(server);
}
