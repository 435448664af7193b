import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { GraphBuilder, IMAGE } from "../../loadtest/bench/networks/graph-builder.ts";
import { onnxFile } from "../../loadtest/bench/networks/onnx-file.ts";
import { Weights } from "../../loadtest/bench/networks/weights.ts";

const SIDE = 32;
const CLASSES = 4;

/**
 * Writes a model repository with one convolutional network of random weights, so small that everything can be done to
 * it within seconds.
 */
export async function tinyNetwork(modelsDir: string, name = "tiny"): Promise<void> {
  const builder = new GraphBuilder(new Weights(1));
  let x = builder.convActivated(IMAGE, { channels: 16, kernel: 3, stride: 2 }, "Relu");
  x = builder.convActivated(x, { channels: 16, kernel: 3, groups: 16 }, "Relu");
  x = builder.convActivated(x, { channels: 64 }, "Relu");
  x = builder.convActivated(x, { channels: 64, kernel: 3, stride: 2 }, "Relu");
  const logits = builder.linear(builder.pooled(x), CLASSES, 8);
  await writeModel(modelsDir, name, onnxFile(builder.graph(name, logits, SIDE)));
}

/** Puts a graph with the tiny network's inputs and outputs into a model repository. */
export async function writeModel(modelsDir: string, name: string, graph: Uint8Array): Promise<void> {
  const folder = join(modelsDir, name, "1.0.0");
  await mkdir(folder, { recursive: true });
  await Bun.write(join(folder, "model.onnx"), graph);
  await Bun.write(join(folder, "MODEL_CARD.md"), `# ${name}\n\nRandom weights.\n`);
  await Bun.write(
    join(folder, "labels.json"),
    JSON.stringify(
      Array.from({ length: CLASSES }, (_, k) => ({ class_id: `class_${k}`, class_name: `Class ${k}` })),
    ),
  );
  await Bun.write(
    join(folder, "manifest.json"),
    JSON.stringify({
      schema: 1,
      name,
      version: "1.0.0",
      task: "classification",
      file: "model.onnx",
      sha256: new Bun.CryptoHasher("sha256").update(graph).digest("hex"),
      input: { name: "input", dtype: "float32", layout: "NCHW", width: SIDE, height: SIDE, color: "RGB" },
      resize: { fit: "cover", crop: 1, interpolation: "bilinear" },
      normalize: { scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
      outputs: { logits: { name: "logits", softmax: false } },
      labels: "labels.json",
      calibration: { temperature: 1, high: 0.9, medium: 0.6 },
      batch: { max_size: 4, max_wait_ms: 0 },
      license: "CC0-1.0",
    }),
  );
}
