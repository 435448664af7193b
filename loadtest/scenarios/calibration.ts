import { predictOnce } from "./client/predict.ts";
import { Run } from "./client/run.ts";

/** What the server can do: 16 clients, each asking again as soon as it has its answer. */
const run = new Run("steady");

export const options = {
  scenarios: { calibration: { executor: "constant-vus", vus: 16, duration: `${__ENV.DURATION || 6}s` } },
  summaryTrendStats: ["med", "p(99)"],
};

export default function () {
  predictOnce(run);
}
