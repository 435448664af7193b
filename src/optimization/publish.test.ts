import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { modelFolders } from "../model-repository/model-folders.ts";
import { ModelRepository } from "../model-repository/repository.ts";
import { publish, writeVersion } from "./publish.ts";

const FIXTURE = join(import.meta.dir, "../../test/fixtures/models/opset-13/1.0.0");
const NEW = { name: "opset-13", version: "1.0.0-int8" };
let home: string;
let modelsDir: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "pinhole-publish-"));
  modelsDir = join(home, "models");
  await cp(FIXTURE, join(modelsDir, "opset-13/1.0.0"), { recursive: true });
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** A folder as `publish` takes it, made of the fixture. */
async function made(parent = home): Promise<string> {
  const folder = join(parent, "version");
  await mkdir(folder, { recursive: true });
  await cp(join(FIXTURE, "model.onnx"), join(folder, "model.onnx"));
  const json = async (file: string) => Bun.file(join(FIXTURE, file)).json();
  const manifest = { ...(await json("manifest.json")), ...NEW };
  await writeVersion(folder, { manifest, labels: await json("labels.json"), card: "# card\n" });
  return folder;
}

const versions = async () => (await modelFolders(modelsDir)).map(({ version }) => version);

describe("a version", () => {
  test("appears whole, and the source stays what is served", async () => {
    await publish(await made(), { modelsDir, ...NEW }, "key");
    const { models, defaultModel } = await ModelRepository.open(modelsDir, { defaultModel: "opset-13" });
    expect(models.map(({ key }) => key)).toEqual(["opset-13/1.0.0", "opset-13/1.0.0-int8"]);
    expect(defaultModel.key).toBe("opset-13/1.0.0");
    expect((await readdir(join(modelsDir, "opset-13"))).sort()).toEqual(["1.0.0", "1.0.0-int8"]);
    expect((await readdir(join(modelsDir, "opset-13/1.0.0-int8"))).sort()).toEqual([
      "MODEL_CARD.md",
      "labels.json",
      "manifest.json",
      "model.onnx",
    ]);
  });

  test("that is there already is not touched", async () => {
    await publish(await made(), { modelsDir, ...NEW }, "key");
    await expect(publish(await made(), { modelsDir, ...NEW }, "key")).rejects.toThrow("is there already");
    expect(await versions()).toEqual(["1.0.0", "1.0.0-int8"]);
  });

  test("whose manifest is not that of its network is never published", async () => {
    const folder = await made();
    await Bun.write(join(folder, "model.onnx"), "something else");
    const manifest = await Bun.file(join(folder, "manifest.json")).json();
    const labels = await Bun.file(join(folder, "labels.json")).json();
    await expect(writeVersion(folder, { manifest, labels, card: "" })).rejects.toThrow("sha256");
  });

  test("what a killed process left hidden is no model, and goes", async () => {
    await mkdir(join(modelsDir, "opset-13/.optimizing-key"));
    expect(await versions()).toEqual(["1.0.0"]);
    await publish(await made(), { modelsDir, ...NEW }, "key");
    expect((await readdir(join(modelsDir, "opset-13"))).sort()).toEqual(["1.0.0", "1.0.0-int8"]);
  });
});
