import { knownPhotograph, newPhotograph } from "./client/photographs.ts";
import { predictOnce } from "./client/predict.ts";
import { Run } from "./client/run.ts";

/** Photographs that everybody sends, the lower their number the more often; among six one that is new. */
const KNOWN = 24;
const ONE_NEW_IN = 6;

const run = new Run("cache");

export const options = run.options();

export default function () {
  if (Math.random() < 1 / ONE_NEW_IN) predictOnce(run, newPhotograph());
  else predictOnce(run, knownPhotograph(Math.floor(KNOWN * Math.random() ** 2)));
}
