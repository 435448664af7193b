import { predictOnce } from "./client/predict.ts";
import { Run } from "./client/run.ts";

const run = new Run("steady");

export const options = run.options();

export default function () {
  predictOnce(run);
}
