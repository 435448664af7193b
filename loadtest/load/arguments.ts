import { resolve } from "node:path";

/** What was asked for, not yet looked up: `scenario` may name nothing that there is. */
export interface Arguments {
  /** Scenario, `merge`, or nothing. */
  scenario: string | undefined;
  /** Further words: the reports that `merge` reads. */
  rest: string[];
  /** A server that runs already; otherwise one is started. */
  url: string | undefined;
  /** Seconds; by default the scenario's own. */
  seconds: number | undefined;
  quick: boolean;
  /** Folder for the report, absolute. */
  reportDir: string | undefined;
  /** Requests a second that the server can do; otherwise measured first. */
  capacity: number | undefined;
  /** Which part of the load this machine has: the `part`-th of `parts`. */
  segment: Segment | undefined;
  /** Whether limits of absolute time fail the run, too. */
  strict: boolean;
}

export interface Segment {
  part: number;
  parts: number;
}

/** What is wrong with a command line, in words for whoever wrote it. */
export class UsageError extends Error {}

const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600 };

/** @throws UsageError */
export function parseArguments(argv: readonly string[]): Arguments {
  const found: Arguments = {
    scenario: undefined,
    rest: [],
    url: undefined,
    seconds: undefined,
    quick: false,
    reportDir: undefined,
    capacity: undefined,
    segment: undefined,
    strict: false,
  };
  const words = argv.flatMap((word) => {
    const at = word.startsWith("--") ? word.indexOf("=") : -1;
    return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)];
  });
  const value = (option: string): string => {
    const next = words.shift();
    if (next === undefined || next.startsWith("--")) throw new UsageError(`${option} wants a value`);
    return next;
  };
  while (words.length > 0) {
    const word = words.shift()!;
    if (word === "--url") found.url = parseUrl(value(word));
    else if (word === "--duration") found.seconds = parseSeconds(value(word));
    else if (word === "--quick") found.quick = true;
    else if (word === "--report") found.reportDir = resolve(value(word));
    else if (word === "--capacity") found.capacity = parseCapacity(value(word));
    else if (word === "--segment") found.segment = parseSegment(value(word));
    else if (word === "--strict") found.strict = true;
    else if (word.startsWith("-")) throw new UsageError(`unknown option ${word}`);
    else if (found.scenario === undefined) found.scenario = word;
    else found.rest.push(word);
  }
  if (found.segment !== undefined && (found.url === undefined || found.capacity === undefined))
    throw new UsageError(
      "--segment wants --url and --capacity: all machines offer parts of the same load to the same server",
    );
  return found;
}

function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--url wants http:// or https://, not ${text}`);
  return text.replace(/\/+$/, "");
}

function parseSeconds(text: string): number {
  const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text) ?? [];
  const seconds = Number(amount) * UNIT_SECONDS[unit]!;
  if (amount === undefined || seconds < 1)
    throw new UsageError(`--duration wants a time of at least 1 s such as 90s, 5m or 1h, not ${text}`);
  return seconds;
}

function parseCapacity(text: string): number {
  const perSecond = Number(text);
  if (!(perSecond > 0)) throw new UsageError(`--capacity wants requests a second, not ${text}`);
  return perSecond;
}

function parseSegment(text: string): Segment {
  const [, part, parts] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (part === undefined || parts === undefined || part < 1 || part > parts)
    throw new UsageError(
      `--segment wants this machine's number and how many there are, such as 1/2, not ${text}`,
    );
  return { part, parts };
}
