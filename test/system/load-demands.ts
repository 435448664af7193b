import type { Demand } from "../../loadtest/demands.ts";
import { noisyNeighbour } from "../../loadtest/noisy-neighbour/main.ts";
import { SHORT as SHORT_NOISE } from "../../loadtest/noisy-neighbour/measure.ts";
import * as neighbour from "../../loadtest/noisy-neighbour/report.ts";
import { overload } from "../../loadtest/overload/main.ts";
import { SHORT as SHORT_OVERLOAD } from "../../loadtest/overload/measure.ts";
import { terminalText } from "../../loadtest/overload/report.ts";
import { demands, LOOSE } from "../../loadtest/overload/verdict.ts";
import { add, failed, type Outcome, passed } from "../run/outcome.ts";

/** The short overload against a server of its own. Times are printed, not judged. */
export async function loadOverload(k6: string): Promise<Outcome> {
  const figures = await overload(SHORT_OVERLOAD, k6);
  const found = demands(figures, LOOSE);
  console.log(terminalText(figures, found));
  return outcomeOf("load overload", found);
}

/** The quiet client beside the noisy one, short, against a server of its own. */
export async function loadNoisyNeighbour(): Promise<Outcome> {
  const figures = await noisyNeighbour(SHORT_NOISE);
  const found = neighbour.demands(figures, neighbour.LOOSE);
  console.log(neighbour.terminalText(figures, found));
  return outcomeOf("load noisy neighbour", found);
}

/** Each demand is one test. */
function outcomeOf(step: string, found: readonly Demand[]): Outcome {
  return add(
    ...found.map(({ what, found: seen, wanted, met }) =>
      met ? passed() : failed(`${step}: ${what}: ${seen}, wanted ${wanted}`),
    ),
  );
}
