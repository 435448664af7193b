import { expect, test } from "bun:test";
import { commandLine, parseOptions } from "./options.ts";

const least = ["leaf-disease", "--images", "photos"];

test("a model and a folder are enough", () => {
  expect(parseOptions(least)).toEqual({
    ref: "leaf-disease",
    images: "photos",
    labelled: false,
    goal: "speed",
    minAgreement: 0.985,
    minSpeedup: 1.15,
    modelsDir: null,
    version: null,
    subject: null,
    verify: 2000,
    seed: 1,
    seconds: 4,
    json: null,
    markdown: null,
  });
});

test.each([
  [["--images", "x"], "Name one model"],
  [["a", "b", "--images", "x"], "Name one model"],
  [["a"], "--images is missing"],
  [[...least, "--goal", "beauty"], "speed or size"],
  [[...least, "--min-agreement", "98.5"], "0 to 1"],
  [[...least, "--min-speedup", "fast"], "0 to 100"],
  [[...least, "--verify", "150.5"], "whole"],
  [[...least, "--seed", ""], "--seed"],
  [[...least, "--same-subject", "("], "--same-subject"],
  [[...least, "--same-subject", "^leaf_"], "no group"],
  [[...least, "--speed"], "--speed"],
])("%p is not understood", (args, why) => {
  expect(() => parseOptions(args)).toThrow(why);
});

test("the command that repeats it is one that a shell takes", () => {
  const args = ["a/1.0.0", "--images", "my photos", "--same-subject", "^(.*)_'"];
  const words = Bun.spawnSync([
    "sh",
    "-c",
    commandLine(args).replace(/^bun run models:optimize/, "printf '%s\\n'"),
  ]);
  expect(words.stdout.toString().trimEnd().split("\n")).toEqual(args);
});

test("where figures were written is no part of that command", () => {
  const args = ["a", "--json", "x.json", "--images", "photos", "--markdown=y.md", "--seed", "2"];
  expect(commandLine(args)).toBe("bun run models:optimize a --images photos --seed 2");
});
