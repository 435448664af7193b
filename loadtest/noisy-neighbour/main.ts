import { parseArgs } from "node:util";
import { startServer } from "../../test/system/server.ts";
import { networkRepository } from "../bench/networks/repository.ts";
import { withSection } from "../readme-section.ts";
import { type Durations, type Figures, FULL, measure, SHORT } from "./measure.ts";
import { demands, LOOSE, readmeTable, STRICT, terminalText } from "./report.ts";

const README = new URL("../README.md", import.meta.url).pathname;

const USAGE = `bun run load noisy-neighbour [--short] [--json] [--update-readme]

A quiet client alone, beside one at 20 times its share, and beside 200 slow uploads, with a network of resnet50's size.
--short          a quarter of a minute instead of one and a quarter, times held to account loosely
--json           figures and what was asked of them as JSON
--update-readme  writes the figures into loadtest/README.md`;

/** Limits of clients off, and nothing remembered: what is fair is the server's doing alone. */
const SETTINGS = {
  PINHOLE_RATE_LIMIT_ENABLED: "false",
  PINHOLE_CACHE_ENABLED: "false",
  PINHOLE_MODEL_DEFAULT: "resnet50",
};

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

/** @returns exit status: 0 all met, 1 something was not, 2 not understood */
export async function main(argv: string[]): Promise<number> {
  const flags = flagsOf(argv);
  if (flags === null || flags.help) {
    console.log(USAGE);
    return flags === null ? 2 : 0;
  }
  const figures = await noisyNeighbour(flags.short ? SHORT : FULL);
  const found = demands(figures, flags.short ? LOOSE : STRICT);
  console.log(
    flags.json ? JSON.stringify({ figures, demands: found }, null, 2) : terminalText(figures, found),
  );
  if (flags["update-readme"])
    await Bun.write(
      README,
      withSection(await Bun.file(README).text(), "noisy-neighbour", readmeTable(figures)),
    );
  return found.every(({ met }) => met) ? 0 : 1;
}

/** Starts a server with resnet50 and measures it. */
export async function noisyNeighbour(durations: Durations): Promise<Figures> {
  const models = await networkRepository("resnet50");
  await using server = await startServer({ ...SETTINGS, PINHOLE_MODELS_DIR: models });
  return await measure(server.url, durations);
}

function flagsOf(argv: string[]) {
  const flag = { type: "boolean", default: false } as const;
  try {
    const options = { short: flag, json: flag, "update-readme": flag, help: flag };
    return parseArgs({ args: argv, options }).values;
  } catch (error) {
    console.error(String(error));
    return null;
  }
}
