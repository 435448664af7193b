import { expect, test } from "bun:test";
import { ignoreRule } from "./ignore.ts";

const isIgnored = ignoreRule("# all\n*\n!src\n!models/\n\nmodels/*/training\n**/*.test.ts\n");

test.each([
  ["README.md", true],
  ["test/run.ts", true],
  ["src/index.ts", false],
  ["src/http/app.ts", false],
  ["src/http/app.test.ts", true],
  ["models/leaf/1.0.0/model.onnx", false],
  ["models/leaf/training/train.py", true],
])("%s is ignored: %p", (path, expected) => {
  expect(isIgnored(path)).toBe(expected);
});
