import { parseArgs } from "node:util";
import { requireK6 } from "../../test/run/k6-program.ts";
import { OPERATOR_TOKEN, startServer } from "../../test/system/server.ts";
import { networkRepository } from "../bench/networks/repository.ts";
import { withSection } from "../readme-section.ts";
import { type Durations, FULL, measure, type OverloadFigures, SHORT } from "./measure.ts";
import { readmeTable, terminalText } from "./report.ts";
import { demands, LOOSE, STRICT } from "./verdict.ts";

const README = new URL("../README.md", import.meta.url).pathname;
const REPORT = new URL("../../test/reports/load-overload.json", import.meta.url).pathname;

const USAGE = `bun run load overload [--short] [--update-readme]

Ten times more requests than a server of its own can answer, with a network of resnet50's size.
--short          half a minute instead of a minute and a half, times not held to account
--update-readme  writes the figures into loadtest/README.md`;

/** Limits of clients off, and nothing remembered: every request must be worked for. */
export const SETTINGS = {
  PINHOLE_RATE_LIMIT_ENABLED: "false",
  PINHOLE_CACHE_ENABLED: "false",
  PINHOLE_MODEL_DEFAULT: "resnet50_384",
};

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

/** @returns exit status: 0 all met, 1 something was not, 2 not understood */
export async function main(argv: string[]): Promise<number> {
  const flags = flagsOf(argv);
  if (flags === null || flags.help) {
    console.log(USAGE);
    return flags === null ? 2 : 0;
  }
  const figures = await overload(flags.short ? SHORT : FULL, await requireK6());
  const found = demands(figures, flags.short ? LOOSE : STRICT);
  console.log(terminalText(figures, found));
  await Bun.write(REPORT, `${JSON.stringify({ figures, demands: found }, null, 2)}\n`);
  console.log(`\n${REPORT}`);
  if (flags["update-readme"])
    await Bun.write(README, withSection(await Bun.file(README).text(), "overload", readmeTable(figures)));
  return found.every(({ met }) => met) ? 0 : 1;
}

/** Starts a server with resnet50 at 384 x 384 and measures it. */
export async function overload(durations: Durations, k6: string): Promise<OverloadFigures> {
  const models = await networkRepository("resnet50_384");
  await using server = await startServer({ ...SETTINGS, PINHOLE_MODELS_DIR: models });
  return await measure({ k6, baseUrl: server.url, operatorToken: OPERATOR_TOKEN, durations });
}

function flagsOf(argv: string[]) {
  const flag = { type: "boolean", default: false } as const;
  try {
    const options = { short: flag, "update-readme": flag, help: flag };
    return parseArgs({ args: argv, options }).values;
  } catch (error) {
    console.error(String(error));
    return null;
  }
}
