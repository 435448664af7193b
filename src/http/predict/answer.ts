import { CATALOGUE } from "../../errors.ts";
import type { Quality } from "../../inference/image.ts";
import type { ImageAnswer, PredictAnswer, Prediction } from "../../inference/prediction.ts";
import type { Timings } from "../../telemetry/stages.ts";

/**
 * Writes answers as they are sent: snake_case, probabilities to 6 decimals, durations to the microsecond. What is
 * shared between answers (the predictions of a photograph that comes again) is turned into text once.
 */
export class AnswerWriter {
  readonly #texts = new WeakMap<object, string>();

  /** @param requestId letters, digits, dots, - and _ @returns JSON */
  text(answer: PredictAnswer, requestId: string): string {
    const images = answer.images.map((image) => this.#image(image));
    return (
      // Neither id holds what JSON would escape.
      `{"request_id":"${requestId}","prediction_id":"${answer.predictionId}"` +
      `,"model":${JSON.stringify(answer.model)},"predictions":${this.#predictions(answer.predictions)}` +
      `,"confidence_status":"${answer.confidenceStatus}","retake_message":${JSON.stringify(answer.retakeMessage)}` +
      `,"images":[${images.join()}],"cached":${answer.cached}${answer.fallback ? ',"fallback":true' : ""}` +
      `,"timings_ms":${JSON.stringify(timingsJson(answer.timings))}}`
    );
  }

  #image(image: ImageAnswer): string {
    if (image.status === "error") return JSON.stringify(failedImageJson(image));
    const { filename, format, width, height } = image;
    return (
      `{"filename":${JSON.stringify(filename)},"status":"ok","format":"${format}","width":${width},"height":${height}` +
      `,"predictions":${this.#predictions(image.predictions)},"unknown":${image.unknown}` +
      `,"quality":${this.#once(image.quality, qualityJson)},"explanation":${this.#explanation(image)}}`
    );
  }

  #explanation({ explanation }: Extract<ImageAnswer, { status: "ok" }>): string {
    return explanation === null ? "null" : this.#once(explanation, (whole) => whole);
  }

  #predictions(predictions: readonly Prediction[]): string {
    return this.#once(predictions, (all) => all.map(predictionJson));
  }

  #once<T extends object>(value: T, json: (value: T) => unknown): string {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    const text = JSON.stringify(json(value));
    this.#texts.set(value, text);
    return text;
  }
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

function qualityJson({ sharpness, brightness, issues }: Quality) {
  return { sharpness: round(sharpness, 1e3), brightness: round(brightness, 1e3), issues };
}

function failedImageJson({ filename, error }: Extract<ImageAnswer, { status: "error" }>) {
  const { code, detail, members } = error;
  const { status, title } = CATALOGUE[code];
  return {
    filename,
    status: "error",
    error: { ...members, error: code, status, title, detail, message: detail },
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
