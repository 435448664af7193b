import { type ErrorCode, PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import { type EncodedImage, type ImageHeader, uprightSize } from "./image.ts";
import { combine, confidence, isUnknown } from "./postprocess.ts";
import type { ImageAnswer, PredictAnswer, Prediction, PredictOptions } from "./prediction.ts";
import type { Rankings } from "./rankings.ts";
import { fallbackRetakeMessage, retakeMessage } from "./retake.ts";
import type { Score } from "./score.ts";

/** What became of one photograph of a request. */
export type ImageOutcome =
  | { ok: true; image: EncodedImage; header: ImageHeader; digest: string; score: Score; cached: boolean }
  | { ok: false; image: EncodedImage; digest: string | undefined; error: unknown };

type Usable = Extract<ImageOutcome, { ok: true }>;
type Unusable = Extract<ImageOutcome, { ok: false }>;

/** The answer without what belongs to one request alone: its id and its timings. */
export type ComposedAnswer = Omit<PredictAnswer, "predictionId" | "timings">;

/** Failures of one photograph, which stand beside it. Every other failure is the whole request's. */
const OF_THE_IMAGE: ReadonlySet<ErrorCode> = new Set([
  "EMPTY_IMAGE",
  "FILE_TOO_LARGE",
  "UNSUPPORTED_IMAGE_TYPE",
  "INVALID_IMAGE",
  "TOO_MANY_PIXELS",
  "TOO_MANY_SCANS",
  "INFERENCE_FAILED",
]);

/**
 * One answer of all photographs: the mean of the probabilities over those that could be used, and each by itself.
 * @param useFallback answer failed inference with the fallback answer when no photograph could be used
 * @param rankings who ranks the classes
 * @throws PinholeError the whole request's failure; or, when no photograph can be used, the first one's
 * @throws ClientGone when there is nobody left to answer
 */
export function composeAnswer(
  model: Model,
  options: PredictOptions,
  outcomes: readonly ImageOutcome[],
  useFallback: boolean,
  rankings: Rankings,
): ComposedAnswer {
  const unusable = outcomes.filter((outcome): outcome is Unusable => !outcome.ok);
  const requestFailure = unusable.find(({ error }) => !isOfTheImage(error));
  if (requestFailure !== undefined) throw requestFailure.error;

  const usable = outcomes.filter((outcome): outcome is Usable => outcome.ok);
  const images = outcomes.map((outcome) => imageAnswer(outcome, model, options, rankings));
  const about = { model: modelName(model), images };
  if (usable.length > 0) {
    const [first] = images;
    const alone = images.length === 1 && first!.status === "ok" ? first!.predictions : null;
    return { ...about, ...combined(usable, images, model, options, alone, rankings) };
  }
  const inferenceFailure = unusable.find(({ error }) => (error as PinholeError).code === "INFERENCE_FAILED");
  if (inferenceFailure !== undefined && useFallback) return { ...about, ...FALLBACK };
  throw (inferenceFailure ?? unusable[0]!).error;
}

/** What stands in for an answer when inference failed. */
const FALLBACK = {
  predictions: [
    { classId: "error", className: "Inference Error", prob: 0, description: null, advice: null },
  ] as Prediction[],
  confidenceStatus: "LOW",
  retakeMessage: fallbackRetakeMessage(),
  cached: false,
  fallback: true,
} as const;

/** @param alone predictions of the only photograph, which are those of all */
function combined(
  usable: readonly Usable[],
  images: readonly ImageAnswer[],
  model: Model,
  options: PredictOptions,
  alone: Prediction[] | null,
  rankings: Rankings,
) {
  const { manifest, labels } = model;
  const { probabilities, unknownScore } = combine(usable.map(({ score }) => score));
  const { status, unknown } = confidence(probabilities, unknownScore, manifest.calibration);
  const issues = [...new Set(usable.flatMap(({ score }) => score.quality.issues))];
  return {
    predictions: alone ?? rankings.of(probabilities, labels, options),
    confidenceStatus: status,
    retakeMessage:
      status === "LOW"
        ? retakeMessage({ unknown, issues, strangers: strangers(images), sent: images.length })
        : null,
    cached: usable.every(({ cached }) => cached),
    fallback: false,
  };
}

/** Numbers, from 1, of the photographs that are unknown by themselves; none where no other is known. */
function strangers(images: readonly ImageAnswer[]): number[] {
  const usable = images.filter((image) => image.status === "ok");
  const unknown = usable.filter((image) => image.unknown);
  return unknown.length === usable.length ? [] : unknown.map((image) => images.indexOf(image) + 1);
}

function imageAnswer(
  outcome: ImageOutcome,
  model: Model,
  options: PredictOptions,
  rankings: Rankings,
): ImageAnswer {
  const { filename } = outcome.image;
  if (!outcome.ok) return { status: "error", filename, error: PinholeError.toFailure(outcome.error) };
  const { header, score } = outcome;
  return {
    status: "ok",
    filename,
    format: header.format,
    ...uprightSize(header),
    predictions: rankings.of(score.probabilities, model.labels, options),
    unknown: isUnknown(score.unknownScore, model.manifest.calibration),
    quality: score.quality,
    explanation: score.explanation,
  };
}

function modelName({ manifest: { name, version, sha256 } }: Model) {
  return { name, version, sha256 };
}

function isOfTheImage(error: unknown): boolean {
  return error instanceof PinholeError && OF_THE_IMAGE.has(error.code);
}
