import { CATALOGUE } from "../../errors.ts";
import type { ImageAnswer, PredictAnswer, Prediction } from "../../inference/prediction.ts";
import type { Timings } from "../../telemetry/stages.ts";

/** The answer as it is sent: snake_case, probabilities to 6 decimals, durations to the microsecond. */
export function answerJson(answer: PredictAnswer, requestId: string) {
  return {
    request_id: requestId,
    prediction_id: answer.predictionId,
    model: answer.model,
    predictions: answer.predictions.map(predictionJson),
    confidence_status: answer.confidenceStatus,
    retake_message: answer.retakeMessage,
    images: answer.images.map(imageJson),
    cached: answer.cached,
    ...(answer.fallback ? { fallback: true } : {}),
    timings_ms: timingsJson(answer.timings),
  };
}

/** `Server-Timing` (https://www.w3.org/TR/server-timing/): every stage that ran, and the total, in ms. */
export function serverTiming(timings: Timings): string {
  let text = "";
  for (const stage in timings) {
    const durationMs = timings[stage as keyof Timings];
    if (durationMs !== undefined) text += `${text && ", "}${stage};dur=${round(durationMs, 1e3)}`;
  }
  return text;
}

function predictionJson({ classId, className, prob, description, advice }: Prediction) {
  return { class_id: classId, class_name: className, prob: round(prob, 1e6), description, advice };
}

function imageJson(image: ImageAnswer) {
  if (image.status === "error") {
    const { code, detail, members } = image.error;
    const { status, title } = CATALOGUE[code];
    return {
      filename: image.filename,
      status: "error",
      error: { ...members, error: code, status, title, detail, message: detail },
    };
  }
  const { filename, format, width, height, predictions, quality, explanation } = image;
  return {
    filename,
    status: "ok",
    format,
    width,
    height,
    predictions: predictions.map(predictionJson),
    quality: {
      sharpness: round(quality.sharpness, 1e3),
      brightness: round(quality.brightness, 1e3),
      issues: quality.issues,
    },
    explanation,
  };
}

/** Durations to the microsecond. */
export function timingsJson(timings: Timings): Timings {
  const rounded: Timings = {};
  for (const stage in timings) {
    const durationMs = timings[stage as keyof Timings];
    if (durationMs !== undefined) rounded[stage as keyof Timings] = round(durationMs, 1e3);
  }
  return rounded;
}

/** @param factor 10 to the number of decimals that stay */
const round = (value: number, factor: number): number => Math.round(value * factor) / factor;
