import { expect, test } from "bun:test";
import { parseOptions } from "./options.ts";

const names = (args: string[]) => parseOptions(args).peers.map(({ name }) => name);

test("by default everything, five rounds of it", () => {
  const options = parseOptions([]);
  expect(options).toMatchObject({ rounds: 5, seconds: 6, connections: 16, allSettings: false, json: null });
  expect(options.networks).toEqual(["mobilenet_v3_small", "resnet50"]);
  expect(names([])).toEqual([
    "pinhole",
    "fastapi-pillow",
    "fastapi-torch",
    "mosec-opencv",
    "litserve",
    "bentoml",
  ]);
});

test("what is asked for is what is measured", () => {
  expect(names(["--only", "mosec-opencv,pinhole"])).toEqual(["pinhole", "mosec-opencv"]);
  expect(parseOptions(["--network", "resnet50", "--seconds", "0.5"])).toMatchObject({
    networks: ["resnet50"],
    seconds: 0.5,
  });
  expect(parseOptions(["--quick"])).toMatchObject({
    networks: ["mobilenet_v3_small"],
    rounds: 2,
    seconds: 2,
  });
  expect(parseOptions(["--quick", "--rounds", "3"])).toMatchObject({ rounds: 3, seconds: 2 });
  expect(parseOptions(["--settings", "--only", "bentoml", "--update-readme"])).toMatchObject({
    rounds: 3,
    seconds: 3,
  });
  expect(names(["--settings"])).not.toContain("pinhole");
  expect(parseOptions(["--json", "x.json", "--update-readme"])).toMatchObject({
    json: "x.json",
    updateReadme: true,
  });
});

test.each([
  "--only flask",
  "--network vgg16",
  "--rounds 0",
  "--rounds 2.5",
  "--seconds 0",
  "--seconds soon",
  "--connections 5000",
  "--update-readme --quick",
  "--update-readme --only pinhole",
  "--unheard-of",
])("%s is not understood", (line) => {
  expect(() => parseOptions(line.split(" "))).toThrow();
});
