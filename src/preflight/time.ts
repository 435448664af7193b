import { statSync } from "node:fs";
import type { Clock } from "../clock.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Older than this program: no clock that is right shows it. */
const EARLIEST = Date.UTC(2026, 0, 1);
const TOLERANCE_MS = 5 * 60_000;

/**
 * A clock that is far off makes retention delete too much or nothing, breaks TLS and the signatures of S3.
 * @param path of the database: it cannot have been written in the future
 */
export function checkTime(clock: Clock, path: string): Finding[] {
  const { ok, warn, fail } = findingsOf("clock");
  const now = clock.wall();
  const shown = new Date(now).toISOString();
  const advice = "Set the clock (timedatectl set-ntp true) before records get a wrong time.";
  if (now < EARLIEST) return [fail(`it shows ${shown}`, advice)];
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (written > now + TOLERANCE_MS)
    return [
      warn(`it shows ${shown}; the database was written at ${new Date(written).toISOString()}`, advice),
    ];
  return [ok(shown)];
}
