import { noisyNeighbour } from "../../loadtest/noisy-neighbour/main.ts";
import { SHORT } from "../../loadtest/noisy-neighbour/measure.ts";
import { demands, LOOSE, terminalText } from "../../loadtest/noisy-neighbour/report.ts";
import { add, failed, type Outcome, passed } from "../run/outcome.ts";

/** The quiet client beside the noisy one, short, against a server of its own: each demand is one test. */
export async function loadNoisyNeighbour(): Promise<Outcome> {
  const figures = await noisyNeighbour(SHORT);
  const found = demands(figures, LOOSE);
  console.log(terminalText(figures, found));
  return add(
    ...found.map(({ what, found: seen, wanted, met }) =>
      met ? passed() : failed(`load noisy neighbour: ${what}: ${seen}, wanted ${wanted}`),
    ),
  );
}
