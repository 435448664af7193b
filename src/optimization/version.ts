import type { Goal } from "./verdict.ts";

/** No version can be chosen for the person. */
export class VersionError extends Error {
  override readonly name = "VersionError";
}

const SUFFIXES: Record<Goal, string> = { speed: "int8", size: "float16" };

/**
 * What the new version is called: the source's version as a pre-release (`1.0.0-int8`, then `1.0.0-int8.2`), which
 * semver orders below it (https://semver.org, 11). So the source stays the newest, and goes on answering whoever names no
 * version, until somebody says otherwise.
 * @param taken versions that are there
 * @throws VersionError where the source is a pre-release itself: nothing stands reliably below it
 */
export function optimisedVersion(source: string, goal: Goal, taken: readonly string[]): string {
  const [plain] = source.split("+") as [string];
  if (plain.includes("-"))
    throw new VersionError(`${source} is a pre-release: say what the new one is called with --version.`);
  const first = `${plain}-${SUFFIXES[goal]}`;
  let version = first;
  for (let next = 2; taken.includes(version); next++) version = `${first}.${next}`;
  return version;
}

/** Whether requests that name the model without a version will be answered by `version` from the next start on. */
export function becomesNewest(version: string, others: readonly string[]): boolean {
  return others.every((other) => Bun.semver.order(version, other) > 0);
}
