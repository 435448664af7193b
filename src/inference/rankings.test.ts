import { expect, test } from "bun:test";
import { topPredictions } from "./postprocess.ts";
import { Rankings } from "./rankings.ts";

const labels = ["a", "b", "c"].map((name) => ({ class_id: name, class_name: name.toUpperCase() }));
const probabilities = Float64Array.of(0.2, 0.5, 0.3);

test("gives what topPredictions gives, and the same object where the same is asked again", () => {
  const rankings = new Rankings();
  const asked = [
    { topK: null, minProb: 0 },
    { topK: 2, minProb: 0 },
    { topK: 2, minProb: 0.4 },
    { topK: null, minProb: 0 },
  ];
  for (const options of asked) {
    const first = rankings.of(probabilities, labels, options);
    expect(first).toEqual(topPredictions(probabilities, labels, options));
    expect(rankings.of(probabilities, labels, { ...options })).toBe(first);
  }
  const others = Float64Array.of(0.6, 0.1, 0.3);
  expect(rankings.of(others, labels, asked[0]!)[0]!.classId).toBe("a");
});
