import { expect, test } from "bun:test";
import type { RawRow } from "../inference/messages.ts";
import { probabilities } from "../inference/postprocess.ts";
import type { Model } from "../model-repository/manifest.ts";
import { type AnswerPair, fitCalibration, verdictOf, withCalibration } from "./fit.ts";

const CLASSES = 4;

function modelWith(calibration: Model["manifest"]["calibration"]): Model {
  const outputs = { logits: { name: "logits", softmax: false } };
  return { manifest: { outputs, calibration }, labels: new Array(CLASSES).fill({}) } as unknown as Model;
}

const row = (logits: number[], unknownScore: number | null = null): RawRow => ({
  logits: Float32Array.from(logits),
  unknownScore,
  activationMap: null,
  quality: { sharpness: 1, brightness: 0.5, issues: [] } as unknown as RawRow["quality"],
});

/** Wavy logits, from sure to unsure. */
const logits = (index: number) =>
  Array.from({ length: CLASSES }, (_, k) => 6 * Math.sin(index * (k + 1)) * ((index % 7) / 7));
const pairs = (change: (values: number[]) => number[]): AnswerPair[] =>
  Array.from({ length: 200 }, (_, index) => ({
    source: row(logits(index)),
    made: row(change(logits(index))),
  }));

test("a version whose logits are a multiple gets that multiple of the temperature", () => {
  const source = modelWith({ temperature: 0.5, high: 0.95, medium: 0.6 });
  const fitted = fitCalibration(
    source,
    pairs((values) => values.map((value) => 1.3 * value)),
  );
  expect(fitted.temperature).toBeCloseTo(0.65, 4);
  expect([fitted.high, fitted.medium]).toEqual([0.95, 0.6]);
});

test("a version that says the same keeps its calibration", () => {
  const calibration = { temperature: 1, high: 0.9, medium: 0.5, unknown: 0.3 };
  const same = pairs((values) => values).map(({ source, made }, index) => ({
    source: { ...source, unknownScore: index / 200 },
    made: { ...made, unknownScore: index / 200 },
  }));
  expect(fitCalibration(modelWith(calibration), same)).toEqual({
    ...calibration,
    temperature: expect.closeTo(1, 4),
  });
});

test("thresholds move so that verdicts stay", () => {
  const source = modelWith({ temperature: 1, high: 0.9, medium: 0.5, unknown: 0.3 });
  const shifted = pairs((values) => values).map(({ source, made }, index) => ({
    source: { ...source, unknownScore: index / 200 },
    made: { ...made, unknownScore: index / 200 + 0.1 },
  }));
  const fitted = fitCalibration(source, shifted);
  expect(fitted.unknown).toBeCloseTo(0.4, 2);
  const made = withCalibration(source, fitted);
  const differing = shifted.filter(
    (pair) => verdictOf(pair.source, source).unknown !== verdictOf(pair.made, made).unknown,
  );
  expect(differing).toEqual([]);
});

test("a verdict is the first class, or that it is nothing known", () => {
  const model = modelWith({ temperature: 1, high: 0.9, medium: 0.5, unknown: 0.3 });
  expect(verdictOf(row([0, 9, 0, 0], 0.1), model)).toMatchObject({
    answer: 1,
    status: "HIGH",
    unknown: false,
  });
  expect(verdictOf(row([0, 9, 0, 0], 0.4), model)).toMatchObject({
    answer: -1,
    status: "LOW",
    unknown: true,
  });
  expect(probabilities(row([0, 9, 0, 0]), model)[1]).toBeGreaterThan(0.99);
});
