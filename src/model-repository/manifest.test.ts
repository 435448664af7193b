import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Manifest, ManifestError, parseLabels, parseManifest } from "./manifest.ts";

const FIXTURE = join(import.meta.dir, "../../test/fixtures/models/rgb-float32/1.0.0/manifest.json");
const valid = (await Bun.file(FIXTURE).json()) as Manifest;

/** "field: expected ... received ..." of every problem. */
function problems(run: () => unknown): Record<string, string> {
  try {
    run();
  } catch (thrown) {
    if (!(thrown instanceof ManifestError)) throw thrown;
    return Object.fromEntries(
      thrown.problems.map(({ field, expected, received }) => [field, `${expected} | ${received}`]),
    );
  }
  return {};
}

/** The valid manifest with one value changed; undefined takes it away. */
function changed(...changes: [path: string, value: unknown][]): unknown {
  const manifest = structuredClone(valid) as unknown as Record<string, unknown>;
  for (const [path, value] of changes) {
    const keys = path.split(".");
    const last = keys.pop()!;
    let at = manifest;
    for (const key of keys) at = at[key] as Record<string, unknown>;
    if (value === undefined) delete at[last];
    else at[last] = value;
  }
  return manifest;
}

const wrong = (...changes: [string, unknown][]) => problems(() => parseManifest(changed(...changes)));

describe("a manifest", () => {
  test("that is right comes back as it was", () => {
    expect(parseManifest(structuredClone(valid))).toEqual(valid);
    expect(wrong(["description", undefined])).toEqual({});
    expect(wrong(["accuracy", { top1: 0.9, images: 10, dataset: "x" }])).toEqual({});
    expect(wrong(["execution", { threads: 2, graph_optimization: "extended" }])).toEqual({});
  });

  test("has every field but the optional ones: leaving out any other is refused by its name", () => {
    const optional = ["description", "external_data", "execution", "accuracy"];
    const visit = (value: object, path: string): void => {
      for (const [key, inner] of Object.entries(value)) {
        const field = path === "" ? key : `${path}.${key}`;
        if (!optional.includes(field)) expect(Object.keys(wrong([field, undefined]))).not.toEqual([]);
        if (inner !== null && typeof inner === "object" && !Array.isArray(inner)) visit(inner, field);
      }
    };
    const { unknown_score: _score, activation_map: _map, ...outputs } = valid.outputs;
    const { unknown: _unknown, ...calibration } = valid.calibration;
    visit({ ...valid, outputs, calibration }, "");
  });

  test("says how it is run, or nothing of it", () => {
    expect(wrong(["execution", { threads: 0, graph_optimization: "most" }])).toEqual({
      "execution.threads": "a whole number from 1 up to 64 | 0",
      "execution.graph_optimization": 'one of "disabled", "basic", "extended", "all" | "most"',
    });
    expect(Object.keys(wrong(["execution", { threads: 1 }]))).toEqual(["execution.graph_optimization"]);
  });

  test("refuses keys that it does not know, at every level, and says which it knows", () => {
    expect(wrong(["colour", "RGB"]).colour).toStartWith("no such field (known are schema, name,");
    const nested = ["input", "resize", "normalize", "outputs", "outputs.logits", "calibration", "batch"];
    for (const path of nested) expect(wrong([`${path}.extra`, 1])).toHaveProperty([`${path}.extra`]);
  });

  test("names every mistake at once, with what is allowed and what came", () => {
    expect(
      wrong(
        ["input.dtype", "int8"],
        ["input.width", 0],
        ["normalize.std", [1, 0, 1]],
        ["batch.max_size", 300],
      ),
    ).toEqual({
      "input.dtype": 'one of "float32", "float16", "uint8" | "int8"',
      "input.width": "a whole number from 1 up to 4096 | 0",
      "normalize.std.1": "a number above 0 | 0",
      "batch.max_size": "a whole number from 1 up to 256 | 300",
    });
    expect(() => parseManifest(changed(["version", "1.0"], ["license", undefined]))).toThrow(
      "manifest.json: license: expected a text of 1 to 500 characters, received nothing\n" +
        'manifest.json: version: expected a semantic version such as 1.0.0, received "1.0"',
    );
  });

  test.each([
    ["schema", 2],
    ["name", "Leaf"],
    ["name", "-leaf"],
    ["name", "../leaf"],
    ["version", "1"],
    ["version", "01.0.0"],
    ["version", "1.0.0/.."],
    ["task", "detection"],
    ["file", "../model.onnx"],
    ["file", "a/model.onnx"],
    ["file", ".hidden"],
    ["labels", "/etc/passwd"],
    ["sha256", "A".repeat(64)],
    ["sha256", "0".repeat(63)],
    ["resize.crop", 0],
    ["resize.crop", 1.1],
    ["normalize.scale", Number.NaN],
    ["normalize.mean", [0, 0]],
    ["calibration.temperature", 0],
    ["calibration.high", 1.01],
    ["batch.max_size", 0],
    ["batch.max_size", 1.5],
  ])("refuses %s %p", (field, value) => {
    expect(Object.keys(wrong([field, value])).every((path) => path.startsWith(field))).toBe(true);
    expect(wrong([field, value])).not.toEqual({});
  });

  test("that is no object is refused", () => {
    for (const json of [null, [], "x", 1, undefined]) {
      expect(Object.keys(problems(() => parseManifest(json)))).toEqual(["(the whole file)"]);
    }
  });
});

describe("rules across fields", () => {
  test("a background stands with contain and only with it", () => {
    expect(wrong(["resize.background", [0, 0, 0]])).toHaveProperty(["resize.background"]);
    expect(wrong(["resize.fit", "contain"])).toEqual({
      "resize.background": "the border's colour, as resize.fit is contain | nothing",
    });
    expect(wrong(["resize.fit", "contain"], ["resize.background", [1, 2, 3]])).toEqual({});
    expect(
      wrong(["resize.fit", "contain"], ["resize.background", [1, 2, 3]], ["resize.crop", 0.5]),
    ).toHaveProperty(["resize.crop"]);
  });

  test("uint8 takes no normalisation", () => {
    expect(Object.keys(wrong(["input.dtype", "uint8"], ["normalize.mean", [1, 0, 0]]))).toEqual([
      "normalize.scale",
      "normalize.mean",
    ]);
    expect(wrong(["input.dtype", "uint8"], ["normalize.scale", 1])).toEqual({});
  });

  test("thresholds are in order", () => {
    expect(wrong(["calibration.medium", 0.95])).toEqual({
      "calibration.medium": "at most calibration.high (0.9) | 0.95",
    });
    expect(wrong(["calibration.medium", 0.9])).toEqual({});
  });

  test("an unknown score and its threshold come together", () => {
    expect(wrong(["calibration.unknown", undefined])).toHaveProperty(["calibration.unknown"]);
    expect(wrong(["outputs.unknown_score", undefined])).toHaveProperty(["calibration.unknown"]);
  });

  test("no output and no file has two roles", () => {
    expect(wrong(["outputs.activation_map", { name: "logits" }])).toHaveProperty([
      "outputs.activation_map.name",
    ]);
    expect(wrong(["labels", "model.onnx"])).toHaveProperty(["labels"]);
    const sha256 = "0".repeat(64);
    expect(wrong(["external_data", [{ file: "model.onnx", sha256 }]])).toHaveProperty([
      "external_data.0.file",
    ]);
    const twice = [
      { file: "a.bin", sha256 },
      { file: "a.bin", sha256 },
    ];
    expect(wrong(["external_data", twice])).toHaveProperty(["external_data.1.file"]);
  });
});

describe("labels", () => {
  const label = (id: string) => ({ class_id: id, class_name: id });

  test("that are right come back as they were", () => {
    const labels = [label("a"), { ...label("b"), description: "B", advice: "Wait." }];
    expect(parseLabels(structuredClone(labels))).toEqual(labels);
  });

  test("with mistakes are refused by place", () => {
    expect(Object.keys(problems(() => parseLabels([label("a"), { class_id: "b b", extra: 1 }])))).toEqual([
      "1.class_name",
      "1.extra",
      "1.class_id",
    ]);
    expect(problems(() => parseLabels([label("a")]))).toHaveProperty(["(the whole file)"]);
  });

  test("are unique, and none is the fallback answer's", () => {
    expect(problems(() => parseLabels([label("a"), label("b"), label("a")]))).toEqual({
      "2.class_id": 'an id that entry 0 does not have | "a"',
    });
    expect(problems(() => parseLabels([label("a"), label("error")]))).toHaveProperty(["1.class_id"]);
  });
});
