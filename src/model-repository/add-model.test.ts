import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addModel } from "./add-model.ts";
import { type Draft, DraftError, draftManifest } from "./draft.ts";
import type { Graph } from "./graph.ts";
import type { Manifest } from "./manifest.ts";
import { ModelRepository } from "./repository.ts";
import type { TensorInfo } from "./signature.ts";

const MODELS = join(import.meta.dir, "../../test/fixtures/models");
const fixture = (model: string) => join(MODELS, model, "model.onnx");
let modelsDir: string;

beforeEach(async () => {
  modelsDir = await mkdtemp(join(tmpdir(), "pinhole-add-"));
});
afterEach(() => rm(modelsDir, { recursive: true }));

const all = async () => (await readdir(modelsDir, { recursive: true })).sort();
const readManifest = async (folder: string) =>
  (await Bun.file(join(folder, "manifest.json")).json()) as Manifest;

describe("adding a model", () => {
  test("leaves a folder that the server takes", async () => {
    const { folder } = await addModel({ file: fixture("softmax-inside/1.0.0"), modelsDir, name: "leaf" });
    expect(folder).toBe(join(modelsDir, "leaf/0.1.0"));
    const { models } = await ModelRepository.open(modelsDir, { defaultModel: "leaf" });
    expect(models[0]!.labels.map(({ class_id: id }) => id)).toEqual(["class_0", "class_1", "class_2"]);
    expect(await all()).toEqual([
      "leaf",
      "leaf/0.1.0",
      "leaf/0.1.0/labels.json",
      "leaf/0.1.0/manifest.json",
      "leaf/0.1.0/model.onnx",
    ]);
  });

  test("is named after its file", async () => {
    await cp(fixture("opset-13/1.0.0"), join(modelsDir, "_My Net (v2).ONNX"));
    const { manifest } = await addModel({
      file: join(modelsDir, "_My Net (v2).ONNX"),
      modelsDir,
      version: "3.0.0",
    });
    expect([manifest.name, manifest.version]).toEqual(["my-net-v2-", "3.0.0"]);
  });

  test("takes the weights outside along, with their digests", async () => {
    await addModel({ file: fixture("external-data/1.0.0"), modelsDir, name: "a" });
    const { defaultModel } = await ModelRepository.open(modelsDir, { defaultModel: "a" });
    expect(defaultModel.manifest.external_data).toEqual(
      (await readManifest(join(MODELS, "external-data/1.0.0"))).external_data!,
    );
  });

  test("takes labels as names, one a line or as JSON, or as labels", async () => {
    const labelsOf = async (file: string, text: string, version: string) => {
      const labels = join(modelsDir, file);
      await Bun.write(labels, text);
      const { folder } = await addModel({
        file: fixture("opset-13/1.0.0"),
        modelsDir,
        name: "a",
        version,
        labels,
      });
      return (await Bun.file(join(folder, "labels.json")).json()) as {
        class_id: string;
        class_name: string;
      }[];
    };
    const lines = await labelsOf("labels.txt", "Late blight (tomato)\r\n\r\nHealthy\nhealthy\n", "1.0.0");
    expect(lines).toEqual([
      { class_id: "late_blight_tomato", class_name: "Late blight (tomato)" },
      { class_id: "healthy", class_name: "Healthy" },
      { class_id: "healthy_2", class_name: "healthy" },
    ]);
    const names = await labelsOf("names.json", '["a", "b", "日本"]', "2.0.0");
    expect(names.map(({ class_id: id }) => id)).toEqual(["a", "b", "class_2"]);
    const own = ["x", "y", "z"].map((id) => ({ class_id: id, class_name: id, advice: "Wait." }));
    expect(await labelsOf("own.json", JSON.stringify(own), "3.0.0")).toEqual(own);
  });

  test("never overwrites, unless it is told to", async () => {
    const options = { file: fixture("opset-13/1.0.0"), modelsDir, name: "a" };
    const { folder } = await addModel(options);
    await Bun.write(join(folder, "MODEL_CARD.md"), "mine");
    await expect(addModel(options)).rejects.toThrow(/a\/0\.1\.0 is there already/);
    expect(await Bun.file(join(folder, "MODEL_CARD.md")).text()).toBe("mine");
    await addModel({ ...options, file: fixture("opset-26/1.0.0"), force: true });
    expect((await readManifest(folder)).sha256).toBe(
      (await readManifest(join(MODELS, "opset-26/1.0.0"))).sha256,
    );
    expect(await readdir(join(modelsDir, "a"))).toEqual(["0.1.0"]);
  });

  test("a folder of that name counts as taken, whatever it holds", async () => {
    await mkdir(join(modelsDir, "a/0.1.0"), { recursive: true });
    await expect(addModel({ file: fixture("opset-13/1.0.0"), modelsDir, name: "a" })).rejects.toThrow(
      DraftError,
    );
  });

  test("that fails leaves nothing behind", async () => {
    const text = join(modelsDir, "text.onnx");
    await Bun.write(text, "words");
    await cp(fixture("external-data/1.0.0"), join(modelsDir, "lonely.onnx"));
    await Bun.write(join(modelsDir, "two.txt"), "a\nb\n");
    const before = await all();
    const failing = [
      { file: text },
      { file: join(modelsDir, "nobody.onnx") },
      { file: join(modelsDir, "lonely.onnx") },
      { file: fixture("opset-13/1.0.0"), labels: join(modelsDir, "two.txt") },
      { file: fixture("opset-13/1.0.0"), labels: join(modelsDir, "nobody.txt") },
      { file: fixture("opset-13/1.0.0"), name: "../a" },
      { file: fixture("opset-13/1.0.0"), version: "1" },
    ];
    for (const options of failing) {
      const outcome = await addModel({ modelsDir, ...options }).then(
        () => "added",
        (error: Error) => error,
      );
      expect(outcome).toBeInstanceOf(Error);
    }
    expect(await all()).toEqual(before);
  });
});

describe("a draft", () => {
  const image: TensorInfo = { name: "x", dtype: "float32", dims: ["N", 3, 224, 200] };
  const logits: TensorInfo = { name: "y", dtype: "float32", dims: ["N", 10] };

  function draft(
    change: { image?: Partial<TensorInfo>; outputs?: TensorInfo[]; labels?: number; op?: string } = {},
  ): Draft {
    const outputs = change.outputs ?? [logits];
    const graph: Graph = {
      irVersion: 10,
      opsets: { "ai.onnx": 20 },
      nodeCount: 1,
      externalFiles: [],
      inputs: [{ ...image, ...change.image }],
      outputs,
      producers: { [outputs[0]!.name]: change.op ?? "Gemm" },
    };
    const facts = { name: "a", version: "1.0.0", file: "model.onnx", sha256: "0".repeat(64) };
    return draftManifest(graph, { ...facts, labels: change.labels ?? null });
  }
  const fields = (findings: { field: string }[]) => findings.map(({ field }) => field);

  test("holds what the graph says", () => {
    const { manifest, classes, known } = draft();
    expect(manifest.input).toEqual({
      name: "x",
      dtype: "float32",
      layout: "NCHW",
      width: 200,
      height: 224,
      color: "RGB",
    });
    expect(manifest.outputs.logits).toEqual({ name: "y", softmax: false });
    expect(classes).toBe(10);
    expect(fields(known)).toContain("input.layout");
    const nhwc = draft({ image: { dtype: "uint8", dims: [4, 224, 200, 3] }, op: "Softmax" }).manifest;
    expect(nhwc.input).toMatchObject({ dtype: "uint8", layout: "NHWC", width: 200, height: 224 });
    expect(nhwc.outputs.logits.softmax).toBe(true);
    expect(nhwc.batch.max_size).toBe(4);
    expect(nhwc.normalize).toEqual({ scale: 1, mean: [0, 0, 0], std: [1, 1, 1] });
  });

  test("names what nobody but a person can know", () => {
    expect(fields(draft().unknown)).toEqual([
      "labels",
      "batch.max_size",
      "normalize",
      "input.color",
      "resize",
      "calibration",
      "license",
      "accuracy",
    ]);
    const open = draft({ image: { dims: [null, "c", "h", "w"] }, labels: 10 }).unknown;
    expect(fields(open)).toEqual(expect.arrayContaining(["input.layout", "input.width", "input.height"]));
    expect(fields(draft({ image: { dims: ["N", 3, 3, 3] } }).unknown)).toContain("input.layout");
    const two = [logits, { ...logits, name: "z" }];
    expect(fields(draft({ outputs: two }).unknown)).toContain("outputs.logits.name");
  });

  test("counts classes from the output's shape, or from the labels", () => {
    expect(draft({ outputs: [{ ...logits, dims: ["N", 7, 1, 1] }] }).classes).toBe(7);
    expect(draft({ outputs: [{ ...logits, dims: ["N", 1, 1, 7] }] }).classes).toBe(7);
    expect(draft({ outputs: [{ ...logits, dims: ["N", "C"] }], labels: 5 }).classes).toBe(5);
    expect(() => draft({ outputs: [{ ...logits, dims: ["N", "C"] }] })).toThrow(/hand in labels/);
    expect(() => draft({ labels: 9 })).toThrow("The graph has 10 classes, the labels are 9.");
  });

  test("is refused for what is no image classifier", () => {
    expect(() => draft({ image: { dtype: "int64" } })).toThrow(
      "The input x is int64; it can be float32, float16, uint8.",
    );
    expect(() => draft({ image: { dims: ["N", 128] } })).toThrow(/has 2 dimensions/);
    expect(() => draft({ image: { dims: ["N", 1, 28, 28] } })).toThrow(/3 channels/);
    expect(() => draft({ outputs: [{ ...logits, dtype: "int64" }] })).toThrow(/No output/);
    expect(() => draft({ outputs: [{ ...logits, dims: ["N", 64, 7, 7] }] })).toThrow(/No output/);
  });
});
