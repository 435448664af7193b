import { predictOnce } from "./client/predict.ts";
import { Run } from "./client/run.ts";

const run = new Run("soak");

export const options = run.options();

export default function () {
  predictOnce(run);
}
