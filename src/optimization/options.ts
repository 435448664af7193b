import { parseArgs } from "node:util";
import type { Goal } from "./verdict.ts";

/** What the person at the terminal asked for. */
export interface OptimizeOptions {
  /** "name" or "name/version" */
  ref: string;
  images: string;
  labelled: boolean;
  goal: Goal;
  minAgreement: number;
  minSpeedup: number;
  modelsDir: string | null;
  /** Of the new one; null: made of the source's. */
  version: string | null;
  subject: RegExp | null;
  verify: number;
  seed: number;
  seconds: number;
  /** Files for the figures. */
  json: string | null;
  markdown: string | null;
}

export const USAGE = `usage: bun run models:optimize NAME[/VERSION] --images DIR [options]

  NAME[/VERSION]         what is made faster; without a version its newest
  --images DIR           photographs such as the model is given: 200 at least, some hundred are better
  --labels-from-folders  they lie in folders called as their class_id; others are nothing that the model knows
  --same-subject REGEX   what of a file's name says which subject it shows, as its first group: photographs of one
                         subject are never both measured on and verified with, e.g. '^(.*)_'
  --goal GOAL            speed: int8 (default); size: weights stored as float16, no faster
  --min-agreement SHARE  of photographs that both versions must answer alike; default 0.985
  --min-speedup TIMES    that it must be faster, one photograph on one core; default 1.15
  --version VERSION      of the new one; default: the source's with -int8 or -float16, which is not served unless asked for
  --models-dir DIR       default: what the settings say
  --verify N             most photographs to verify with; default 2000
  --seed N               of the division of the photographs; default 1
  --seconds S            about how long each timing takes; default 4
  --json FILE            writes the figures there, whether the version was written or refused
  --markdown FILE        writes them there as a card has them`;

const DEFAULTS = { minAgreement: 0.985, minSpeedup: 1.15, verify: 2000, seed: 1, seconds: 4 };

/** @throws Error that says what was not understood */
export function parseOptions(args: readonly string[]): OptimizeOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      images: { type: "string" },
      "labels-from-folders": { type: "boolean", default: false },
      "same-subject": { type: "string" },
      goal: { type: "string", default: "speed" },
      "min-agreement": { type: "string" },
      "min-speedup": { type: "string" },
      version: { type: "string" },
      "models-dir": { type: "string" },
      verify: { type: "string" },
      seed: { type: "string" },
      seconds: { type: "string" },
      json: { type: "string" },
      markdown: { type: "string" },
    },
  });
  const [ref, ...others] = positionals;
  if (ref === undefined || others.length > 0) throw new Error("Name one model.");
  if (values.images === undefined) throw new Error("--images is missing");
  const { goal } = values;
  if (goal !== "speed" && goal !== "size") throw new Error(`--goal ${goal}: it can be speed or size`);
  const number = (name: "min-agreement" | "min-speedup" | "verify" | "seed" | "seconds", bounds: Bounds) =>
    values[name] === undefined ? bounds.usual : within(`--${name}`, values[name], bounds);
  return {
    ref,
    images: values.images,
    labelled: values["labels-from-folders"],
    goal,
    minAgreement: number("min-agreement", { usual: DEFAULTS.minAgreement, least: 0, most: 1 }),
    minSpeedup: number("min-speedup", { usual: DEFAULTS.minSpeedup, least: 0, most: 100 }),
    modelsDir: values["models-dir"] ?? null,
    version: values.version ?? null,
    subject: values["same-subject"] === undefined ? null : subjectOf(values["same-subject"]),
    verify: number("verify", { usual: DEFAULTS.verify, least: 100, most: 1e6, whole: true }),
    seed: number("seed", { usual: DEFAULTS.seed, least: 0, most: 2 ** 32, whole: true }),
    seconds: number("seconds", { usual: DEFAULTS.seconds, least: 0.1, most: 600 }),
    json: values.json ?? null,
    markdown: values.markdown ?? null,
  };
}

const FIGURES = /^--(json|markdown)(=|$)/;

interface Bounds {
  usual: number;
  least: number;
  most: number;
  whole?: boolean;
}

function within(option: string, text: string, { least, most, whole = false }: Bounds): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value >= least && value <= most) || (whole && !Number.isInteger(value)))
    throw new Error(`${option} ${text}: it can be ${least} to ${most}${whole ? ", whole" : ""}`);
  return value;
}

function subjectOf(text: string): RegExp {
  let expression: RegExp;
  try {
    expression = new RegExp(text);
  } catch (error) {
    throw new Error(`--same-subject ${text}: ${(error as Error).message}`);
  }
  // Matches anything, so that its groups can be counted.
  if (new RegExp(`${text}|`).exec("")!.length < 2) throw new Error(`--same-subject ${text}: it has no group`);
  return expression;
}

/** The command that does the same again, as a shell takes it: where figures were written decides nothing. */
export function commandLine(args: readonly string[]): string {
  const kept = args.filter(
    (arg, index) => !FIGURES.test(arg) && !/^--(json|markdown)$/.test(args[index - 1] ?? ""),
  );
  const quoted = kept.map((arg) =>
    /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`,
  );
  return `bun run models:optimize ${quoted.join(" ")}`;
}
