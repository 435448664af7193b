import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** The directory itself, or, where it will only be made, the nearest one above it that is there. */
export function nearestFolder(path: string): string {
  let at = resolve(path);
  while (!statSync(at, { throwIfNoEntry: false })?.isDirectory() && at !== dirname(at)) at = dirname(at);
  return at;
}
