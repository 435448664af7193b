import { describe, expect, test } from "bun:test";
import { PinholeError } from "../errors.ts";
import type { Manifest, Model } from "../model-repository/manifest.ts";
import { composeAnswer, type ImageOutcome } from "./answer.ts";
import type { PredictOptions } from "./prediction.ts";
import { Rankings } from "./rankings.ts";

const CALIBRATION = { temperature: 1, high: 0.9, medium: 0.6, unknown: 0.1 };
const OPTIONS = { model: null, topK: null, minProb: 0, explain: false, strict: false } as const;

function model(calibration: Manifest["calibration"]): Model {
  const manifest = { name: "m", version: "1.0.0", sha256: "a", calibration } as Manifest;
  return { manifest, labels: ["a", "b"].map((id) => ({ class_id: id, class_name: id })) } as unknown as Model;
}

const image = { bytes: new Uint8Array(), filename: null, contentType: null };

/** A photograph whose first class has the probability `first`. */
function judged(first: number, unknownScore: number | null): ImageOutcome {
  const header = { format: "jpeg", width: 4, height: 3, orientation: 1 };
  const score = {
    probabilities: Float64Array.of(first, 1 - first),
    unknownScore,
    quality: { sharpness: 1, brightness: 0.5, issues: [] },
    explanation: null,
  };
  return { ok: true, image, header, digest: "d", score, cached: false } as unknown as ImageOutcome;
}

const unreadable: ImageOutcome = {
  ok: false,
  image,
  digest: undefined,
  error: new PinholeError("INVALID_IMAGE", "Not an image."),
};

function compose(outcomes: ImageOutcome[], calibration: Manifest["calibration"] = CALIBRATION) {
  const answer = composeAnswer(model(calibration), OPTIONS as PredictOptions, outcomes, true, new Rankings());
  const unknown = answer.images.map((of) => (of.status === "ok" ? of.unknown : of.error.code));
  return { unknown, status: answer.confidenceStatus, message: answer.retakeMessage };
}

describe("what a model does not know", () => {
  test("is told of each photograph", () => {
    const sure = compose([judged(0.99, 0.02), unreadable, judged(0.95, 0.1)]);
    expect(sure).toEqual({ unknown: [false, "INVALID_IMAGE", false], status: "HIGH", message: null });
    expect(compose([judged(0.99, 0.9)])).toMatchObject({ unknown: [true], status: "LOW" });
    expect(compose([judged(0.99, Number.NaN)])).toMatchObject({ unknown: [true], status: "LOW" });
  });

  test("is null where the model has no score, or no threshold for it", () => {
    expect(compose([judged(0.99, null)])).toEqual({ unknown: [null], status: "HIGH", message: null });
    const { unknown: _, ...without } = CALIBRATION;
    expect(compose([judged(0.99, 0.9)], without)).toEqual({ unknown: [null], status: "HIGH", message: null });
  });

  test("among photographs of something known is named by its number, as it was sent", () => {
    const { unknown, status, message } = compose([judged(0.99, 0.02), unreadable, judged(0.6, 0.9)]);
    expect([unknown, status]).toEqual([[false, "INVALID_IMAGE", true], "LOW"]);
    expect(message).toStartWith("Photograph 3 of 3 looks like it is not something this model knows");
  });

  test("in all photographs is said of all together", () => {
    const { message } = compose([judged(0.99, 0.8), judged(0.6, 0.9)]);
    expect(message).toStartWith("This looks like it is not something this model knows");
  });
});
