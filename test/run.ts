import { closingText, type Entry, isMissing, total } from "./run/report.ts";
import { steps } from "./run/steps.ts";
import { gatherTools } from "./run/tools.ts";

/**
 * The one gate, for people and for CI: every check and every test, live, and at the end what ran, what this
 * machine lacks and the line `N passed, N failed`. With CI=true or PINHOLE_TEST_REQUIRE_ALL=1 a part that cannot
 * run is a failure. Arguments choose steps by a part of their names: `bun run test unit rude`.
 */
const requireAll = process.env.CI === "true" || process.env.PINHOLE_TEST_REQUIRE_ALL === "1";
const wanted = process.argv.slice(2);
const isWanted = (name: string) => wanted.length === 0 || wanted.some((part) => name.includes(part));

const entries: Entry[] = [];
for (const step of await steps(await gatherTools())) {
  if (!isWanted(step.name)) continue;
  console.log(`\n== ${step.name}`);
  const startedAt = performance.now();
  const outcome = await step.run();
  if (isMissing(outcome)) console.log(`not run: ${outcome.what} is missing`);
  entries.push({ step: step.name, outcome, seconds: (performance.now() - startedAt) / 1000 });
}

console.log(closingText(entries, requireAll));
const sum = total(entries, requireAll);
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1);
