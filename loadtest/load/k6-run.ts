import { rm } from "node:fs/promises";
import { repositoryRoot } from "../../test/run/command.ts";
import type { Segment } from "./arguments.ts";
import type { K6Summary } from "./k6-summary.ts";

/** k6 itself went wrong, or was told to stop: there is nothing to report. */
export class K6Error extends Error {}

export interface K6Options {
  k6: string;
  /** File of loadtest/scenarios, without its ending. */
  script: string;
  /** How long the script's load takes; much later k6 is ended. */
  seconds: number;
  /** What the script reads of its environment. */
  env: Record<string, string>;
  /** Where k6 writes its summary; stays there. */
  summaryPath: string;
  segment?: Segment | undefined;
}

/** A threshold was crossed: the run itself was whole. */
const THRESHOLDS_CROSSED = 99;
/** For starting clients, the last answers and the summary. */
const GRACE_SECONDS = 120;

/**
 * Runs one k6 script to its end. What the script says of errors goes to stderr.
 * @throws K6Error
 */
export async function runK6(options: K6Options): Promise<K6Summary> {
  const { k6, script, seconds, env, summaryPath, segment } = options;
  await rm(summaryPath, { force: true });
  const argv = [k6, "run", "--quiet", "--no-color", "--no-usage-report", "--log-format", "raw"];
  // Its API would want a port of its own, which a second k6 on this machine has taken.
  argv.push("--address", "", "--summary-export", summaryPath, ...segmentArguments(segment));
  const child = Bun.spawn([...argv, `loadtest/scenarios/${script}.ts`], {
    cwd: repositoryRoot(),
    // Nothing else of ours: k6 takes K6_* as options.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DURATION: String(seconds), ...env },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    timeout: (seconds + GRACE_SECONDS) * 1000,
  });
  const end = () => child.kill("SIGINT");
  process.once("SIGINT", end).once("SIGTERM", end);
  try {
    const code = await child.exited;
    if (code !== 0 && code !== THRESHOLDS_CROSSED) throw new K6Error(`k6 ended with exit code ${code}`);
    return (await Bun.file(summaryPath).json()) as K6Summary;
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}

/** The `part`-th of `parts` equal parts; k6 shares requests and clients out so that they add up. */
export function segmentArguments(segment: Segment | undefined): string[] {
  if (segment === undefined) return [];
  const { part, parts } = segment;
  const border = (i: number) => (i === 0 ? "0" : i === parts ? "1" : `${i}/${parts}`);
  const sequence = Array.from({ length: parts + 1 }, (_, i) => border(i)).join(",");
  return [
    "--execution-segment",
    `${border(part - 1)}:${border(part)}`,
    "--execution-segment-sequence",
    sequence,
  ];
}
