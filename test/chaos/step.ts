import { failed, type Outcome, passed } from "../run/outcome.ts";
import { chaos } from "./chaos.ts";
import { reportText } from "./report.ts";

/** Long enough for every fault once. */
const SECONDS = 90;
/** Bounds nothing but a server that does not come back: how long it takes is a figure, not a test. */
const READY_WITHIN_MS = 30_000;

/** Every fault once, as `bun run chaos` has them, for the gate. */
export async function chaosStep(seed: number): Promise<Outcome> {
  const report = await chaos({
    seed,
    seconds: SECONDS,
    processes: 1,
    readyWithinMs: READY_WITHIN_MS,
    rounds: 1,
    say: console.log,
  });
  console.log(`\n${reportText(report)}`);
  return report.failures.length === 0 ? passed() : failed(`chaos: ${report.failures.join("; ")}`);
}
