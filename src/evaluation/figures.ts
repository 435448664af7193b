import type { ConfidenceStatus } from "../inference/prediction.ts";

/** One photograph, judged, and what is known of it. */
export interface Judged {
  /** Index of the class that it shows; null: something that the model does not know. */
  truth: number | null;
  /** Calibrated, [classes]. */
  probabilities: Float64Array;
  status: ConfidenceStatus;
  /** Whether the answer says that this is not something the model knows. */
  unknown: boolean;
}

/** A share, with its 95% interval (Wilson 1927, "Probable Inference, the Law of Succession"). */
export interface Share {
  count: number;
  of: number;
  share: number;
  low: number;
  high: number;
}

export interface Figures {
  /** Of the photographs of known classes: how many are right. */
  top1: Share;
  /** Mean over the classes that occur; a class is F1 = 2 TP / (2 TP + FP + FN). */
  macroF1: number;
  /** By class index; null where the class does not occur. */
  recall: (Share | null)[];
  /** Expected calibration error over 15 bins of equal width (Guo et al. 2017), 0..1. */
  calibrationError: number;
  /** How many of those that were called HIGH, or MEDIUM, are right. */
  right: Record<"HIGH" | "MEDIUM", Share>;
  /** How many photographs of known classes are called LOW. */
  knownLow: Share;
  /** How many photographs of known classes are called not something the model knows. */
  knownRejected: Share;
  /** How many photographs of other things are called not something the model knows. */
  unknownRejected: Share;
}

const BINS = 15;
/** Two-sided 95% of the normal distribution. */
const Z = 1.959964;

/** What the answers to photographs, whose truth is known, are worth. */
export function figures(judged: readonly Judged[], classes: number): Figures {
  const known = judged.filter((one): one is Judged & { truth: number } => one.truth !== null);
  const unknown = judged.filter(({ truth }) => truth === null);
  const answers = known.map((one) => {
    const prediction = indexOfLargest(one.probabilities);
    return { ...one, prediction, right: prediction === one.truth, prob: one.probabilities[prediction]! };
  });
  const isRight = ({ right }: { right: boolean }) => right;
  const called = (status: ConfidenceStatus) => answers.filter((answer) => answer.status === status);
  const perClass = Array.from({ length: classes }, (_, index) => {
    const shown = answers.filter(({ truth }) => truth === index);
    const found = shown.filter(isRight).length;
    const named = answers.filter(({ prediction }) => prediction === index).length;
    const f1 = (2 * found) / (shown.length + named);
    return shown.length === 0 ? null : { f1, recall: share(found, shown.length) };
  });
  const occurring = perClass.filter((one) => one !== null);
  return {
    top1: share(answers.filter(isRight).length, answers.length),
    macroF1: occurring.reduce((sum, { f1 }) => sum + f1, 0) / Math.max(1, occurring.length),
    recall: perClass.map((one) => one?.recall ?? null),
    calibrationError: calibrationError(answers),
    right: {
      HIGH: share(called("HIGH").filter(isRight).length, called("HIGH").length),
      MEDIUM: share(called("MEDIUM").filter(isRight).length, called("MEDIUM").length),
    },
    knownLow: share(called("LOW").length, answers.length),
    knownRejected: share(answers.filter((answer) => answer.unknown).length, answers.length),
    unknownRejected: share(unknown.filter((one) => one.unknown).length, unknown.length),
  };
}

/** Of nothing: a share of 0 that may be anything. */
export function share(count: number, of: number): Share {
  if (of === 0) return { count, of, share: 0, low: 0, high: 1 };
  const part = count / of;
  const centre = part + (Z * Z) / (2 * of);
  const spread = Z * Math.sqrt((part * (1 - part)) / of + (Z * Z) / (4 * of * of));
  const scale = 1 + (Z * Z) / of;
  return {
    count,
    of,
    share: part,
    low: Math.max(0, (centre - spread) / scale),
    high: Math.min(1, (centre + spread) / scale),
  };
}

function calibrationError(answers: readonly { prob: number; right: boolean }[]): number {
  const bins = Array.from({ length: BINS }, () => ({ count: 0, prob: 0, right: 0 }));
  for (const { prob, right } of answers) {
    const bin = bins[Math.min(BINS - 1, Math.floor(prob * BINS))]!;
    bin.count++;
    bin.prob += prob;
    bin.right += Number(right);
  }
  const gaps = bins.reduce((sum, { prob, right }) => sum + Math.abs(prob - right), 0);
  return gaps / Math.max(1, answers.length);
}

function indexOfLargest(values: Float64Array): number {
  return values.reduce((best, value, index) => (value > values[best]! ? index : best), 0);
}
