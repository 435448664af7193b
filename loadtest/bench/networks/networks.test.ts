import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { buildNetwork, NETWORK_DIGESTS, NETWORK_NAMES, sideOf } from "./catalogue.ts";
import { networkFile, networkRepository } from "./repository.ts";

/** As torchvision's documentation has them, https://docs.pytorch.org/vision/stable/models.html. */
const PARAMETERS = {
  mobilenet_v3_small: 2_542_856,
  mobilenet_v2: 3_504_872,
  resnet50: 25_557_032,
  resnet50_384: 25_557_032,
};
const VERIFY = new URL("../../../src/commands/models-verify.ts", import.meta.url).pathname;

describe.each(NETWORK_NAMES)("%s", (name) => {
  const network = buildNetwork(name);

  test("is the pinned one", () => {
    expect(new Bun.CryptoHasher("sha256").update(network.file).digest("hex")).toBe(NETWORK_DIGESTS[name]);
  });

  test("has the parameters of torchvision's", () => {
    expect(network.parameters).toBe(PARAMETERS[name]);
  });

  test("answers noise with logits that are neither huge nor all alike, for a batch as for one", async () => {
    const session = await InferenceSession.create(network.file);
    const side = sideOf(name);
    const noise = Float32Array.from({ length: 2 * 3 * side * side }, (_, i) => Math.sin(i * i));
    const logits = await run(session, noise, 2, side);
    expect(logits.length).toBe(2000);
    const first = logits.subarray(0, 1000);
    expect(deviation(first)).toBeWithin(0.1, 10);
    const alone = await run(session, noise.subarray(0, 3 * side * side), 1, side);
    expect(Math.max(...first.map((logit, i) => Math.abs(logit - alone[i]!)))).toBeLessThan(1e-3);
    await session.release();
  });
});

describe("a network's repository", () => {
  let parent: string;
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), "pinhole-networks-"));
  });
  afterAll(() => rm(parent, { recursive: true }));

  test("is what the server takes", async () => {
    const [modelsDir] = await Promise.all([
      networkRepository("mobilenet_v3_small", parent),
      networkRepository("mobilenet_v3_small", parent),
    ]);
    expect(await readdir(modelsDir!)).toEqual(["mobilenet_v3_small"]);
    const { exitCode, stdout } = Bun.spawnSync(
      [process.execPath, "--no-env-file", VERIFY, "--models-dir", modelsDir!],
      { env: { ...process.env, ORT_DISABLE_TELEMETRY: "1" } },
    );
    expect(stdout.toString()).toMatch(/mobilenet_v3_small +1\.0\.0 .* 1000 +17 .* ok/);
    expect(exitCode).toBe(0);
  });

  test("is built anew when it is damaged", async () => {
    await networkRepository("mobilenet_v3_small", parent);
    const file = networkFile("mobilenet_v3_small", parent);
    const { size } = Bun.file(file);
    await writeFile(file, "half");
    await networkRepository("mobilenet_v3_small", parent);
    expect(Bun.file(file).size).toBe(size);
  });
});

async function run(
  session: InferenceSession,
  input: Float32Array,
  rows: number,
  side: number,
): Promise<Float32Array> {
  const { logits } = await session.run({ input: new Tensor("float32", input, [rows, 3, side, side]) });
  return logits!.data as Float32Array;
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
