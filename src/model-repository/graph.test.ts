import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Writer } from "protobufjs/minimal";
import { GraphError, readGraph } from "./graph.ts";

const MODELS = join(import.meta.dir, "../../test/fixtures/models");
const bytesOf = (model: string) => Bun.file(join(MODELS, model, "model.onnx")).bytes();

describe("what real files say of themselves", () => {
  test("versions, inputs and outputs with their sizes, named or fixed", async () => {
    expect(readGraph(await bytesOf("rgb-float32/1.0.0"))).toMatchObject({
      irVersion: 11,
      opsets: { "ai.onnx": 25 },
      inputs: [{ name: "image", dtype: "float32", dims: ["N", 3, 16, 16] }],
      outputs: [
        { name: "logits", dtype: "float32", dims: ["N", 3] },
        { name: "unknown_score", dtype: "float32", dims: ["N", 1] },
        { name: "activation_map", dtype: "float32", dims: ["N", 3, 4, 4] },
      ],
      externalFiles: [],
    });
    expect(readGraph(await bytesOf("nhwc-uint8-bgr/1.0.0")).inputs).toEqual([
      { name: "image", dtype: "uint8", dims: ["N", 16, 16, 3] },
    ]);
    expect(readGraph(await bytesOf("fixed-batch-4/1.0.0")).inputs[0]!.dims[0]).toBe(4);
    expect(readGraph(await bytesOf("opset-13/1.0.0"))).toMatchObject({
      irVersion: 7,
      opsets: { "ai.onnx": 13 },
    });
  });

  test("files of weights outside", async () => {
    expect(readGraph(await bytesOf("external-data/1.0.0")).externalFiles).toEqual(["weights.bin"]);
  });

  test("what makes the output, through what only passes it on", async () => {
    expect(readGraph(await bytesOf("softmax-inside/1.0.0")).producers.logits).toBe("Softmax");
    expect(readGraph(await bytesOf("nchw-float16/1.0.0")).producers.logits).toBe("MatMul");
  });

  test("nodes of nested graphs count", async () => {
    // Four that classify; nine more that wait, and three inside their loop.
    expect(readGraph(await bytesOf("opset-26/1.0.0")).nodeCount).toBe(4);
    expect(readGraph(await bytesOf("slow-on-grey/1.0.0")).nodeCount).toBe(4 + 9 + 3);
  });
});

/** Builds protobuf by field number. */
const message = (...fields: [field: number, value: number | string | Uint8Array][]): Uint8Array => {
  const writer = Writer.create();
  for (const [field, value] of fields) {
    if (typeof value === "number") writer.uint32((field << 3) | 0).int64(value);
    else if (typeof value === "string") writer.uint32((field << 3) | 2).string(value);
    else writer.uint32((field << 3) | 2).bytes(value);
  }
  return writer.finish();
};
const OUTPUT = message([1, "logits"]);
const model = (...graph: [number, number | string | Uint8Array][]) =>
  message([1, 10], [7, message(...graph, [12, OUTPUT])], [8, message([2, 25])]);
const external = (file: string) =>
  message([8, `tensor of ${file}`], [13, message([1, "location"], [2, file])], [14, 1]);

describe("weights outside are found wherever a graph can hide them", () => {
  const node = (attribute: Uint8Array) => message([4, "Op"], [2, "out"], [5, attribute]);
  test.each([
    ["an initializer", model([5, external("a.bin")])],
    ["a sparse initializer's values", model([15, message([1, external("a.bin")])])],
    ["a sparse initializer's indices", model([15, message([2, external("a.bin")])])],
    ["an attribute's tensor", model([1, node(message([1, "value"], [5, external("a.bin")]))])],
    ["an attribute's list of tensors", model([1, node(message([10, external("a.bin")]))])],
    ["an attribute's sparse tensor", model([1, node(message([22, message([1, external("a.bin")])]))])],
    ["a nested graph", model([1, node(message([6, message([5, external("a.bin")])]))])],
    ["one of a list of nested graphs", model([1, node(message([11, message([5, external("a.bin")])]))])],
    [
      "a graph within a nested graph",
      model([1, node(message([6, message([1, node(message([6, message([5, external("a.bin")])]))])]))]),
    ],
    [
      "a function",
      message([1, 10], [7, message([12, OUTPUT])], [25, message([7, node(message([5, external("a.bin")]))])]),
    ],
  ])("%s", (_where, bytes) => {
    expect(readGraph(bytes).externalFiles).toEqual(["a.bin"]);
  });

  test("a location without the mark of being outside is no file", () => {
    const inside = message([8, "w"], [13, message([1, "location"], [2, "a.bin"])], [9, new Uint8Array(8)]);
    expect(readGraph(model([5, inside])).externalFiles).toEqual([]);
  });
});

describe("files that are not what they seem", () => {
  test("empty, text, and protobuf of something else are refused in words", () => {
    const others = [
      new Uint8Array(0),
      new TextEncoder().encode('{"not": "onnx"}'),
      message([1, 10]),
      message([3, "x"]),
    ];
    for (const bytes of others) expect(() => readGraph(bytes)).toThrow(GraphError);
  });

  test("every file that is cut short anywhere is refused or still whole in what it says, and never hangs", async () => {
    for (const name of ["rgb-float32/1.0.0", "slow-on-grey/1.0.0", "external-data/1.0.0"]) {
      const bytes = await bytesOf(name);
      let refused = 0;
      for (let length = 0; length < bytes.length; length++) {
        try {
          readGraph(bytes.subarray(0, length));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(GraphError);
          refused++;
        }
      }
      // The graph is the last field but one: only cuts right behind it leave something whole.
      expect(refused).toBeGreaterThan(bytes.length - 20);
    }
  });

  test("random damage is refused or read, with no other error", async () => {
    const bytes = await bytesOf("rgb-float32/1.0.0");
    let state = 1;
    for (let round = 0; round < 2000; round++) {
      const damaged = bytes.slice();
      for (let hit = 0; hit < 3; hit++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        damaged[(state >>> 8) % damaged.length] = state & 255;
      }
      try {
        readGraph(damaged);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(GraphError);
      }
    }
  });

  test("nesting without end is refused", () => {
    let graph = message([12, OUTPUT]);
    for (let depth = 0; depth < 100; depth++) graph = message([1, message([5, message([6, graph])])]);
    expect(() => readGraph(message([1, 10], [7, graph]))).toThrow(GraphError);
  });
});
