import { existsSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../test/run/command.ts";

/** What takes more than one run of k6 has a driver of its own, `loadtest/<name>/main.ts`, which takes all further words. */
export const DRIVERS: Readonly<Record<string, string>> = {
  overload: "A slow model, and more asked than it can do: who is served, how long does everybody wait?",
  "noisy-neighbour":
    "One client that asks for twenty times its share, or 200 slow uploads: does a quiet one notice?",
};

/** @returns its file, or null where there is none of that name */
export function driverOf(name: string): string | null {
  const path = join(repositoryRoot(), "loadtest", name, "main.ts");
  return Object.hasOwn(DRIVERS, name) && existsSync(path) ? path : null;
}
