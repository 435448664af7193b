import { overload } from "../../loadtest/overload/main.ts";
import { SHORT } from "../../loadtest/overload/measure.ts";
import { terminalText } from "../../loadtest/overload/report.ts";
import { demands, LOOSE } from "../../loadtest/overload/verdict.ts";
import { add, failed, type Outcome, passed } from "../run/outcome.ts";

/** The short overload against a server of its own: each demand is one test. Times are printed, not judged. */
export async function loadOverload(k6: string): Promise<Outcome> {
  const figures = await overload(SHORT, k6);
  const found = demands(figures, LOOSE);
  console.log(terminalText(figures, found));
  return add(
    ...found.map(({ what, found: seen, wanted, met }) =>
      met ? passed() : failed(`load overload: ${what}: ${seen}, wanted ${wanted}`),
    ),
  );
}
