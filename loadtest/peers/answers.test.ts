import { expect, test } from "bun:test";
import { agreement, isSameWork, parseAnswer, type TopFive } from "./answers.ts";

const five = (first: string, prob = 0.5): TopFive =>
  [first, "b", "c", "d", "e"].map((class_id, i) => ({ class_id, prob: prob / (i + 1) }));

test("the same first class is agreement", () => {
  const found = agreement([five("a"), five("x")], [five("a"), five("y")]);
  expect(found).toEqual({ photographs: 2, sameFirst: 1, levelFirst: 1 });
  expect(isSameWork(found, "same")).toBe(false);
  expect(isSameWork(found, "alike")).toBe(true);
});

test("of two that are level either may be first", () => {
  const level = [
    { class_id: "a", prob: 0.5 },
    { class_id: "b", prob: 0.49 },
    { class_id: "c", prob: 0.01 },
  ];
  const found = agreement([level, level], [five("b"), five("c")]);
  expect(found).toEqual({ photographs: 2, sameFirst: 0, levelFirst: 1 });
  expect(isSameWork({ ...found, levelFirst: 2 }, "same")).toBe(true);
  expect(isSameWork(found, "alike")).toBe(false);
});

test("an answer has five classes", () => {
  expect(parseAnswer({ predictions: five("a"), request_id: "x" })).toEqual(five("a"));
  for (const broken of [
    {},
    { predictions: [] },
    { predictions: five("a").slice(1) },
    { predictions: five("a", 3) },
  ])
    expect(() => parseAnswer(broken)).toThrow("not an answer");
});
