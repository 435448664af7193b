import { expect, test } from "bun:test";
import { share } from "../evaluation/figures.ts";
import { type Demands, refusals } from "./verdict.ts";

const speed: Demands = { goal: "speed", minAgreement: 0.985, minSpeedup: 1.15 };
const worth = (agreeing: number, speedup: number, made = 25) => ({
  comparison: { agreement: share(agreeing, 1000) },
  speedup,
  bytes: { source: 100, made },
});

test("what is fast enough and agrees is not refused, at the very bounds", () => {
  expect(refusals(speed, worth(985, 1.15))).toEqual([]);
  expect(refusals({ ...speed, minAgreement: 0 }, worth(3, 2.9))).toEqual([]);
});

test("every reason is said, with what is wanted", () => {
  expect(refusals(speed, worth(984, 1.149))).toEqual([
    "it is 1.149 times as fast, and 1.15 is wanted",
    "it agrees on 984 of 1000 photographs (98.40%), and 98.50% is wanted",
  ]);
  expect(refusals(speed, worth(1000, 0.91))).toEqual(["it is 0.910 times as fast, and 1.15 is wanted"]);
});

test("for size, bytes count and speed must only not be lost", () => {
  const size: Demands = { ...speed, goal: "size" };
  expect(refusals(size, worth(1000, 1, 51))).toEqual([]);
  expect(refusals(size, worth(1000, 0.8, 80))).toEqual([
    "it saves 20.00% of the bytes, and 25.00% is wanted",
    "it takes 1.25 times as long, and 1.1 is allowed",
  ]);
});
