import type { RawRow } from "../inference/messages.ts";
import { confidence, probabilities } from "../inference/postprocess.ts";
import type { Manifest, Model } from "../model-repository/manifest.ts";

/** One photograph's answer by both versions. */
export interface AnswerPair {
  source: RawRow;
  made: RawRow;
}

type Calibration = Manifest["calibration"];

const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** How far from the source's temperature the new one is looked for, as a factor, and how closely. */
const FARTHEST = 8;
const STEPS = 40;
const SIX_DIGITS = 1e6;

/**
 * The calibration under which a new version says most nearly what its source says. Whoever calibrated the source had
 * photographs kept for that; those at hand may be the very ones it was trained on, of which every network is too sure.
 * So nothing is fitted to labels here: the temperature makes the cross-entropy to the source's calibrated
 * probabilities least, and each threshold is the one that gives the most photographs the source's verdict (the nearest
 * to the source's own where several do).
 */
export function fitCalibration(source: Model, pairs: readonly AnswerPair[]): Calibration {
  const was = source.manifest.calibration;
  const wanted = pairs.map((pair) => probabilities(pair.source, source));
  const under = (temperature: number) =>
    pairs.map(({ made }) => probabilities(made, withCalibration(source, { ...was, temperature })));
  const temperature = rounded(
    was.temperature *
      FARTHEST **
        least((power) => {
          return crossEntropy(wanted, under(was.temperature * FARTHEST ** power));
        }),
  );

  const first = (all: Float64Array[]) => all.map((each) => each.reduce((a, b) => Math.max(a, b)));
  const [before, after] = [first(wanted), first(under(temperature))];
  const high = threshold(was.high, before, after, (value, limit) => value >= limit);
  const medium = Math.min(
    high,
    threshold(was.medium, before, after, (value, limit) => value >= limit),
  );
  if (was.unknown === undefined) return { temperature, high, medium };
  const scores = (version: keyof AnswerPair) => pairs.map((pair) => pair[version].unknownScore ?? 1);
  const unknown = threshold(was.unknown, scores("source"), scores("made"), (value, limit) => value > limit);
  return { temperature, high, medium, unknown };
}

/** The same model under another calibration. */
export function withCalibration(model: Model, calibration: Calibration): Model {
  return { ...model, manifest: { ...model.manifest, calibration } };
}

/** What a version says of a photograph under its calibration. `answer` -1: not something it knows. */
export function verdictOf(row: RawRow, model: Model) {
  const probs = probabilities(row, model);
  const { status, unknown } = confidence(probs, row.unknownScore, model.manifest.calibration);
  const top = probs.reduce((best, value, index) => (value > probs[best]! ? index : best), 0);
  return { probabilities: probs, status, unknown, answer: unknown ? -1 : top };
}

function crossEntropy(wanted: readonly Float64Array[], got: readonly Float64Array[]): number {
  let sum = 0;
  wanted.forEach((probs, row) => {
    probs.forEach((prob, index) => {
      if (prob > 0) sum -= prob * Math.log(Math.max(got[row]![index]!, Number.MIN_VALUE));
    });
  });
  return sum;
}

/** Golden-section search in [-1, 1] for the least value of a function with one valley. */
function least(cost: (power: number) => number): number {
  let [from, to] = [-1, 1];
  let [a, b] = [to - GOLDEN * (to - from), from + GOLDEN * (to - from)];
  let [costA, costB] = [cost(a), cost(b)];
  for (let step = 0; step < STEPS; step++) {
    if (costA <= costB) {
      [to, b, costB] = [b, a, costA];
      a = to - GOLDEN * (to - from);
      costA = cost(a);
    } else {
      [from, a, costA] = [a, b, costB];
      b = from + GOLDEN * (to - from);
      costB = cost(b);
    }
  }
  return (from + to) / 2;
}

function threshold(
  was: number,
  before: readonly number[],
  after: readonly number[],
  passes: (value: number, limit: number) => boolean,
): number {
  const agreeing = (limit: number) =>
    before.filter((value, index) => passes(value, was) === passes(after[index]!, limit)).length;
  const sorted = after.toSorted((a, b) => a - b);
  const between = sorted.slice(1).map((value, index) => (value + sorted[index]!) / 2);
  let best = { limit: was, agreeing: agreeing(was) };
  for (const limit of between.toSorted((a, b) => Math.abs(a - was) - Math.abs(b - was))) {
    const count = agreeing(limit);
    if (count > best.agreeing) best = { limit, agreeing: count };
  }
  return best.limit === was ? was : rounded(Math.min(1, Math.max(0, best.limit)));
}

function rounded(value: number): number {
  return Math.round(value * SIX_DIGITS) / SIX_DIGITS;
}
