import { parseArgs } from "node:util";
import { PHOTOGRAPH_NAMES } from "./photographs.ts";
import { FULL_SCOPE, MODEL_NAMES, OPTIMIZED_SCOPE, QUICK_SCOPE, type Scope } from "./plan.ts";

export interface Options {
  scope: Scope;
  rounds: number;
  /** Seconds after which no further round is begun; null: all of them are. */
  budgetSeconds: number | null;
  /** File for the figures as JSON. */
  json: string | null;
  updateReadme: boolean;
  /** Revision that is measured beside this checkout instead of the bare loop. */
  against: string | null;
  /** Measure the int8 versions of the networks beside their float32 ones instead. */
  optimized: boolean;
  updateDocs: boolean;
}

export const USAGE = `usage: bun run bench [options]

  --quick              mobilenet_v3_small, 256x256, 16 connections; within 50 s
  --model NAME         only this one: ${MODEL_NAMES.join(", ")}; may be repeated
  --photograph NAME    only these: ${PHOTOGRAPH_NAMES.join(", ")}; may be repeated
  --connections N      only so many; may be repeated
  --rounds N           default 5
  --seconds S          of one measurement; default 0.4 to 3, by what is measured
  --json FILE          write all figures there
  --update-readme      put the table into README.md
  --against REVISION   compare with another revision of this repository (as --quick, unless told otherwise)
  --optimized          compare the networks with what models:optimize makes of them (${OPTIMIZED_SCOPE.models.join(", ")})
  --update-docs        with --optimized: put the table into docs/optimizing.md`;

const ROUNDS = 5;
/** What is left of 50 s after building, starting, warming up and stopping on a machine slower than most. */
const QUICK_BUDGET_SECONDS = 32;

/** @throws Error that says what was not understood */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      model: { type: "string", multiple: true },
      photograph: { type: "string", multiple: true },
      connections: { type: "string", multiple: true },
      rounds: { type: "string" },
      seconds: { type: "string" },
      json: { type: "string" },
      "update-readme": { type: "boolean", default: false },
      against: { type: "string" },
      optimized: { type: "boolean", default: false },
      "update-docs": { type: "boolean", default: false },
    },
  });
  const against = values.against ?? null;
  const { optimized, "update-readme": updateReadme, "update-docs": updateDocs } = values;
  if (optimized && against !== null) throw new Error("--optimized and --against: one comparison at a time");
  if (updateDocs && !optimized) throw new Error("--update-docs is for --optimized");
  const narrow = values.quick || against !== null;
  const base = optimized ? OPTIMIZED_SCOPE : narrow ? QUICK_SCOPE : FULL_SCOPE;
  const scope: Scope = {
    models: values.model?.map((name) => oneOf("--model", MODEL_NAMES, name)) ?? base.models,
    photographs:
      values.photograph?.map((name) => oneOf("--photograph", PHOTOGRAPH_NAMES, name)) ?? base.photographs,
    connections: values.connections?.map((text) => whole("--connections", text, 1024)) ?? base.connections,
    seconds: values.seconds === undefined ? null : positive("--seconds", values.seconds),
    latency: base.latency,
  };
  if (updateReadme && (narrow || optimized || values.model || values.photograph)) {
    throw new Error("--update-readme wants the whole table: leave the options that narrow it out");
  }
  return {
    scope,
    rounds: values.rounds === undefined ? ROUNDS : whole("--rounds", values.rounds, 1000),
    budgetSeconds: values.quick && values.rounds === undefined ? QUICK_BUDGET_SECONDS : null,
    json: values.json ?? null,
    updateReadme,
    against,
    optimized,
    updateDocs,
  };
}

function oneOf<const T extends string>(option: string, known: readonly T[], text: string): T {
  const found = known.find((each) => each === text);
  if (found === undefined) throw new Error(`${option} ${text}: it can be ${known.join(", ")}`);
  return found;
}

function whole(option: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Error(`${option} ${text}: it can be 1 to ${most}`);
  }
  return value;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 600)) throw new Error(`${option} ${text}: it can be up to 600`);
  return value;
}
