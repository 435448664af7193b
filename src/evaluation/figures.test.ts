import { describe, expect, test } from "bun:test";
import { figures, type Judged, share } from "./figures.ts";

const judged = (
  truth: number | null,
  probabilities: number[],
  status: Judged["status"] = "HIGH",
  unknown = false,
): Judged => ({ truth, probabilities: Float64Array.from(probabilities), status, unknown });

describe("figures of an evaluation", () => {
  test("counted by hand", () => {
    const found = figures(
      [
        judged(0, [0.8, 0.1, 0.1]),
        judged(0, [0.3, 0.6, 0.1], "MEDIUM"),
        judged(1, [0.2, 0.7, 0.1]),
        judged(1, [0.1, 0.5, 0.4], "LOW", true),
        judged(null, [0.9, 0.1, 0], "LOW", true),
        judged(null, [0.9, 0.1, 0], "HIGH"),
      ],
      3,
    );
    expect([found.top1.count, found.top1.of]).toEqual([3, 4]);
    // Class 0: 1 found of 2, named once. Class 1: 2 found of 2, named 3 times. Class 2 does not occur.
    expect(found.macroF1).toBeCloseTo((2 / 3 + 4 / 5) / 2, 12);
    expect(found.recall.map((one) => one?.share ?? null)).toEqual([0.5, 1, null]);
    expect([found.right.HIGH.share, found.right.MEDIUM.share]).toEqual([1, 0]);
    expect([found.knownLow.count, found.knownRejected.count]).toEqual([1, 1]);
    expect([found.unknownRejected.count, found.unknownRejected.of]).toEqual([1, 2]);
  });

  test("calibration: sure and right is 0, sure and wrong is 1, half sure and half right is 0", () => {
    const error = (...answers: Judged[]) => figures(answers, 2).calibrationError;
    expect(error(judged(0, [1, 0]))).toBe(0);
    expect(error(judged(1, [1, 0]))).toBe(1);
    expect(error(judged(0, [0.5, 0.5]), judged(1, [0.5, 0.5]))).toBe(0);
    expect(error()).toBe(0);
  });

  test("the interval is Wilson's", () => {
    // Newcombe 1998, table I: 81 of 263 and 0 of 20.
    expect(share(81, 263).low).toBeCloseTo(0.2553, 4);
    expect(share(81, 263).high).toBeCloseTo(0.3662, 4);
    expect([share(0, 20).low, share(0, 20).high]).toEqual([0, expect.closeTo(0.1611, 4)]);
    expect(share(0, 0)).toMatchObject({ low: 0, high: 1 });
  });
});
