import { figures, type Judged, type Share, share } from "../evaluation/figures.ts";
import type { Model } from "../model-repository/manifest.ts";
import { type AnswerPair, verdictOf } from "./fit.ts";

/** Two versions on the same photographs. */
export interface Comparison {
  /** Photographs that both give the same first class, or both call nothing that they know. */
  agreement: Share;
  /** Photographs that both call HIGH, MEDIUM or LOW alike. */
  sameStatus: Share;
  /** Mean over photographs and classes of the absolute difference of their probabilities. */
  difference: number;
  /** Null where nothing is known of the photographs. */
  labelled: { source: Labelled; made: Labelled } | null;
}

/** What one version is worth on labelled photographs. */
export interface Labelled {
  top1: Share;
  macroF1: number;
  /** Expected calibration error, 0..1. */
  calibrationError: number;
  rightWhenHigh: Share;
  knownRejected: Share;
  unknownRejected: Share;
}

/** @param truths by photograph, a class index or null for something else; null: not known */
export function compare(
  source: Model,
  made: Model,
  pairs: readonly AnswerPair[],
  truths: readonly (number | null)[] | null,
): Comparison {
  const verdicts = pairs.map((pair) => ({
    source: verdictOf(pair.source, source),
    made: verdictOf(pair.made, made),
  }));
  let difference = 0;
  for (const each of verdicts)
    each.source.probabilities.forEach((prob, index) => {
      difference += Math.abs(prob - each.made.probabilities[index]!);
    });
  const among = (is: (each: (typeof verdicts)[number]) => boolean) =>
    share(verdicts.filter(is).length, verdicts.length);
  const labelled = (version: "source" | "made") =>
    worth(
      verdicts.map((each, index): Judged => ({ ...each[version], truth: truths![index]! })),
      source.labels.length,
    );
  return {
    agreement: among((each) => each.source.answer === each.made.answer),
    sameStatus: among((each) => each.source.status === each.made.status),
    difference: difference / Math.max(1, verdicts.length * source.labels.length),
    labelled: truths === null ? null : { source: labelled("source"), made: labelled("made") },
  };
}

function worth(judged: readonly Judged[], classes: number): Labelled {
  const { top1, macroF1, calibrationError, right, knownRejected, unknownRejected } = figures(judged, classes);
  return { top1, macroF1, calibrationError, rightWhenHigh: right.HIGH, knownRejected, unknownRejected };
}
