import { expect, test } from "bun:test";
import { parseOptions } from "./options.ts";
import { FULL_SCOPE, QUICK_SCOPE } from "./plan.ts";

test("without options everything is measured, five times", () => {
  expect(parseOptions([])).toEqual({
    scope: FULL_SCOPE,
    rounds: 5,
    budgetSeconds: null,
    json: null,
    updateReadme: false,
    against: null,
    optimized: false,
    updateDocs: false,
  });
});

test("quick has one network, one size, one number of connections and little time", () => {
  const { scope, budgetSeconds } = parseOptions(["--quick"]);
  expect(scope).toEqual(QUICK_SCOPE);
  expect(budgetSeconds).toBeLessThan(50);
  expect(parseOptions(["--quick", "--rounds", "9"])).toMatchObject({ rounds: 9, budgetSeconds: null });
});

test("a scope is narrowed by naming what is wanted", () => {
  const { scope } = parseOptions(["--model", "resnet50", "--model", "leaf-disease", "--connections", "8"]);
  expect(scope).toEqual({ ...FULL_SCOPE, models: ["resnet50", "leaf-disease"], connections: [8] });
});

test("a comparison is quick unless told otherwise", () => {
  const { scope, against } = parseOptions([
    "--against",
    "HEAD~1",
    "--photograph",
    "12MP",
    "--seconds",
    "2.5",
  ]);
  expect(scope).toEqual({ ...QUICK_SCOPE, photographs: ["12MP"], seconds: 2.5 });
  expect(against).toBe("HEAD~1");
});

test.each([
  [["--model", "vgg16"]],
  [["--photograph", "small"]],
  [["--connections", "0"]],
  [["--rounds", "1.5"]],
  [["--seconds", "-1"]],
  [["--fast"]],
  [["--quick", "--update-readme"]],
  [["--model", "resnet50", "--update-readme"]],
])("%j is not understood", (args) => {
  expect(() => parseOptions(args)).toThrow();
});

test("int8 beside float32 is a comparison of its own, of networks that have both", () => {
  const { scope, optimized, updateDocs } = parseOptions(["--optimized", "--update-docs"]);
  expect([optimized, updateDocs, scope.models]).toEqual([true, true, ["mobilenet_v2", "resnet50"]]);
  expect(() => parseOptions(["--optimized", "--against", "HEAD"])).toThrow("one comparison");
  expect(() => parseOptions(["--update-docs"])).toThrow("--optimized");
  expect(() => parseOptions(["--optimized", "--update-readme"])).toThrow("whole table");
});
