import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../clock.ts";
import { ConfigError, loadConfig } from "../config.ts";
import { modelFolders } from "../model-repository/model-folders.ts";
import { type Finding, findingsOf, findingsText } from "../preflight/finding.ts";
import { preflight } from "../preflight/preflight.ts";
import type { Config } from "../settings.ts";
import { reason, verify } from "./models-verify.ts";

/** `bun run preflight`: whether a server with these settings can start here, and what somebody should look at. */

const USAGE = `usage: bun run preflight [--thorough] [--json]

  --thorough  also opens every model and runs it once, and reads a database of any size through
  --json      the findings as JSON`;

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

/** @returns exit status: 0 it can start, 1 it cannot, 2 not understood */
export async function main(args: string[]): Promise<number> {
  let values: { thorough?: boolean; json?: boolean };
  try {
    ({ values } = parseArgs({
      args,
      options: { thorough: { type: "boolean" }, json: { type: "boolean" } },
    }));
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const findings = await findAll(values.thorough === true);
  const failed = findings.some(({ verdict }) => verdict === "fail");
  console.log(values.json ? JSON.stringify({ ok: !failed, findings }, null, 2) : findingsText(findings));
  return failed ? 1 : 0;
}

async function findAll(thorough: boolean): Promise<Finding[]> {
  const { ok, fail } = findingsOf("settings");
  let config: Config;
  try {
    config = loadConfig();
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    // Everything else depends on them.
    return thrown.mistakes.map(({ name, expected, received }) =>
      fail(`${name}: expected ${expected}, got ${received}`, "README.md lists every setting."),
    );
  }
  const findings = await preflight(config, { clock: systemClock, directory: process.cwd(), thorough });
  return [
    ok(`all understood, for ${config.environment}`),
    ...findings,
    ...(thorough ? await runModels(resolve(config.modelsDir)) : []),
  ];
}

async function runModels(modelsDir: string): Promise<Finding[]> {
  const { ok, fail } = findingsOf("models run");
  const findings: Finding[] = [];
  for (const folder of await modelFolders(modelsDir).catch(() => [])) {
    try {
      const [input, classes] = await verify(folder);
      findings.push(ok(`${folder.key}: ${input}, ${classes} classes`));
    } catch (thrown) {
      findings.push(fail(`${folder.key}: ${reason(thrown)}`, "See `bun run models:verify`."));
    }
  }
  return findings;
}
