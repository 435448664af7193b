import { predictOnce } from "./client/predict.ts";
import { probeOnce } from "./client/probe.ts";
import { Run } from "./client/run.ts";

const run = new Run("breakpoint");

export const options = run.options();

export default function () {
  predictOnce(run);
}

export function probe() {
  probeOnce(run);
}
