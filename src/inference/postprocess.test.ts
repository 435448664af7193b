import { describe, expect, test } from "bun:test";
import { PinholeError } from "../errors.ts";
import type { Manifest } from "../model-repository/manifest.ts";
import { combine, confidence, probabilities, topPredictions } from "./postprocess.ts";

function model({ softmax = false, temperature = 1 } = {}) {
  const manifest = {
    outputs: { logits: { name: "logits", softmax } },
    calibration: { temperature, high: 0.9, medium: 0.6 },
  } as Manifest;
  return { manifest };
}

const row = (...logits: number[]) => ({ logits: Float32Array.from(logits) });
const codeOf = (run: () => unknown) => {
  try {
    run();
  } catch (thrown) {
    return thrown instanceof PinholeError ? thrown.code : thrown;
  }
  return "nothing thrown";
};

describe("probabilities", () => {
  test("are the softmax of the logits over the temperature", () => {
    const [a, b, c] = probabilities(row(2, 1, 0), model({ temperature: 2 }));
    const total = Math.exp(1) + Math.exp(0.5) + 1;
    expect(a).toBeCloseTo(Math.exp(1) / total, 12);
    expect(b).toBeCloseTo(Math.exp(0.5) / total, 12);
    expect(c).toBeCloseTo(1 / total, 12);
  });

  test("add up to 1 for logits far beyond what exp can take", () => {
    const probs = probabilities(row(3e38, -3e38, 2.9e38), model({ temperature: 0.001 }));
    expect([...probs]).toEqual([1, 0, 0]);
    expect([...probabilities(row(-1000, -1000), model())]).toEqual([0.5, 0.5]);
  });

  test("that the graph gave stay what they are at temperature 1 and are sharpened below", () => {
    const same = probabilities(row(0.5, 0.25, 0.25), model({ softmax: true }));
    expect(same[0]).toBeCloseTo(0.5, 6);
    const sharper = probabilities(row(0.5, 0.25, 0.25), model({ softmax: true, temperature: 0.5 }));
    expect(sharper[0]).toBeCloseTo(0.25 / (0.25 + 2 * 0.0625), 6);
    expect([...probabilities(row(1, 0, 0), model({ softmax: true, temperature: 3 }))]).toEqual([1, 0, 0]);
  });

  test("are refused when the network's answer is no number", () => {
    expect(codeOf(() => probabilities(row(1, Number.NaN), model()))).toBe("INFERENCE_FAILED");
    expect(codeOf(() => probabilities(row(1, Number.POSITIVE_INFINITY), model()))).toBe("INFERENCE_FAILED");
    expect(codeOf(() => probabilities(row(1, Number.NEGATIVE_INFINITY), model()))).toBe("INFERENCE_FAILED");
    expect(codeOf(() => probabilities(row(-0.1, 1.1), model({ softmax: true })))).toBe("INFERENCE_FAILED");
    expect(codeOf(() => probabilities(row(0, 0), model({ softmax: true })))).toBe("INFERENCE_FAILED");
  });
});

test("combine takes the mean of probabilities and unknown scores", () => {
  const both = combine([
    { probabilities: Float64Array.of(1, 0), unknownScore: 0.25 },
    { probabilities: Float64Array.of(0.5, 0.5), unknownScore: 0.75 },
  ]);
  expect(both).toEqual({ probabilities: Float64Array.of(0.75, 0.25), unknownScore: 0.5 });
  const silent = combine([{ probabilities: Float64Array.of(1, 0), unknownScore: null }]);
  expect(silent.unknownScore).toBeNull();
});

describe("topPredictions", () => {
  const labels = ["a", "b", "c", "d", "e", "f"].map((id) => ({ class_id: id, class_name: id.toUpperCase() }));
  const probs = Float64Array.of(0.05, 0.3, 0.1, 0.3, 0.2, 0.05);
  const ids = (topK: number | null, minProb: number) =>
    topPredictions(probs, labels, { topK, minProb }).map(({ classId }) => classId);

  test("are ordered by probability, equal ones as the labels are, five unless asked", () => {
    expect(ids(null, 0)).toEqual(["b", "d", "e", "c", "a"]);
    expect(ids(2, 0)).toEqual(["b", "d"]);
    expect(ids(6, 0)).toEqual(["b", "d", "e", "c", "a", "f"]);
  });

  test("leave out what is below the least probability, but never the first", () => {
    expect(ids(null, 0.2)).toEqual(["b", "d", "e"]);
    expect(ids(null, 0.99)).toEqual(["b"]);
  });

  test.each([1, 5, 32, 33, 1000])("of a thousand classes are the first %i of them all sorted", (topK) => {
    const many = Float64Array.from({ length: 1000 }, (_, i) => ((i * 7919) % 251) / 251);
    const names = Array.from(many, (_, i) => ({ class_id: String(i), class_name: String(i) }));
    const sorted = [...many.keys()].sort((a, b) => many[b]! - many[a]!).map(String);
    const found = topPredictions(many, names, { topK, minProb: 0 }).map(({ classId }) => classId);
    expect(found).toEqual(sorted.slice(0, topK));
  });

  test("carry what the label says", () => {
    const described = [{ ...labels[0]!, description: "first", advice: "wait" }, labels[1]!];
    expect(topPredictions(Float64Array.of(0.75, 0.25), described, { topK: null, minProb: 0 })).toEqual([
      { classId: "a", className: "A", prob: 0.75, description: "first", advice: "wait" },
      { classId: "b", className: "B", prob: 0.25, description: null, advice: null },
    ]);
  });
});

describe("confidence", () => {
  const calibration = { temperature: 1, high: 0.9, medium: 0.6, unknown: 0.5 };
  const of = (first: number, unknownScore: number | null) =>
    confidence(Float64Array.of(1 - first, first), unknownScore, calibration);

  test("follows the thresholds, each of them included", () => {
    expect(of(0.9, 0.1)).toEqual({ status: "HIGH", unknown: false });
    expect(of(0.899, 0.1)).toEqual({ status: "MEDIUM", unknown: false });
    expect(of(0.6, 0.1)).toEqual({ status: "MEDIUM", unknown: false });
    expect(of(0.599, 0.1)).toEqual({ status: "LOW", unknown: false });
  });

  test("is LOW for what the model does not know, however sure it is", () => {
    expect(of(0.99, 0.5)).toEqual({ status: "HIGH", unknown: false });
    expect(of(0.99, 0.51)).toEqual({ status: "LOW", unknown: true });
    expect(of(0.99, Number.NaN)).toEqual({ status: "LOW", unknown: true });
    expect(of(0.99, null)).toEqual({ status: "HIGH", unknown: false });
  });
});
