import { parseArgs } from "node:util";
import { chaos } from "./chaos.ts";
import { FAULTS, type FaultName } from "./plan.ts";
import { reportText, updateReadme } from "./report.ts";

/**
 * `bun run chaos`: three minutes of faults under load. `--seconds N`, `--seed N`, `--processes N`, `--only FAULT`
 * (may be repeated), `--json FILE`, `--update-readme`. Wants root, for a small disk of its own.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "20261121" },
    seconds: { type: "string", default: "180" },
    processes: { type: "string", default: "1" },
    only: { type: "string", multiple: true },
    json: { type: "string" },
    "update-readme": { type: "boolean", default: false },
  },
});
const unknown = values.only?.find((name) => !(FAULTS as readonly string[]).includes(name));
if (unknown !== undefined) throw new Error(`no fault ${unknown}: there are ${FAULTS.join(", ")}`);

const report = await chaos({
  seed: Number(values.seed),
  seconds: Number(values.seconds),
  processes: Number(values.processes),
  readyWithinMs: 5000,
  say: console.log,
  ...(values.only === undefined ? {} : { only: values.only as FaultName[] }),
});
console.log(`\n${reportText(report)}`);
if (values.json !== undefined) await Bun.write(values.json, `${JSON.stringify(report, null, 2)}\n`);
if (values["update-readme"]) await updateReadme(report);
process.exit(report.failures.length === 0 ? 0 : 1);
