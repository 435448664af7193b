import { parseArgs } from "node:util";
import { hostileFolder } from "./folder.ts";
import { hostile } from "./hostile.ts";

/**
 * `bun run test:hostile`: everything hostile, and 10,000 mixed requests; `--requests N` and `--seed N` change that.
 * `--dir PATH`: every file of a folder instead.
 */
const { values } = parseArgs({
  options: {
    dir: { type: "string" },
    requests: { type: "string", default: "10000" },
    seed: { type: "string", default: "20261121" },
  },
});
const outcome =
  values.dir === undefined
    ? await hostile({ seed: Number(values.seed), requests: Number(values.requests) })
    : await hostileFolder(values.dir);
for (const failure of outcome.failures) console.log(`FAILED ${failure}`);
console.log(`\n${outcome.passed} passed, ${outcome.failed} failed`);
process.exit(outcome.failed === 0 ? 0 : 1);
