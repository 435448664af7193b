import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cp, mkdir, mkdtemp, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PinholeError } from "../errors.ts";
import type { Manifest } from "./manifest.ts";
import { ModelRepository, RepositoryError } from "./repository.ts";

const MODELS = join(import.meta.dir, "../../test/fixtures/models");
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pinhole-models-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Copies a fixture to `<name>/<version>`, its manifest changed. */
async function put(
  name: string,
  version: string,
  { from = "opset-13/1.0.0", change = (_manifest: Manifest) => {} } = {},
): Promise<string> {
  const target = join(folder, name, version);
  await cp(join(MODELS, from), target, { recursive: true });
  const file = Bun.file(join(target, "manifest.json"));
  const manifest = { ...((await file.json()) as Manifest), name, version };
  change(manifest);
  await Bun.write(file, JSON.stringify(manifest));
  return target;
}

const open = (defaultModel: string) => ModelRepository.open(folder, { defaultModel });

async function refusal(defaultModel = "a"): Promise<string[]> {
  try {
    await open(defaultModel);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(RepositoryError);
    return (thrown as Error).message.split("\n");
  }
  throw new Error("nothing was refused");
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    return thrown instanceof PinholeError ? `${thrown.code} ${thrown.detail}` : String(thrown);
  }
  return "nothing thrown";
}

describe("what is served", () => {
  test("every version of every model, newest first, and nothing of what lies beside them", async () => {
    for (const version of ["1.10.0", "1.9.0", "2.0.0-rc.1", "1.10.0-beta"]) await put("a", version);
    await put("b", "0.1.0");
    await mkdir(join(folder, "a/training/1.0.0"), { recursive: true });
    await mkdir(join(folder, "b/.adding-x"));
    await Bun.write(join(folder, "README.md"), "words");
    const repository = await open("a");
    expect(repository.models.map(({ key }) => key)).toEqual([
      "a/2.0.0-rc.1",
      "a/1.10.0",
      "a/1.10.0-beta",
      "a/1.9.0",
      "b/0.1.0",
    ]);
    expect(repository.versions("a").map(({ manifest }) => manifest.version)).toHaveLength(4);
    expect(repository.versions("nobody")).toEqual([]);
  });

  test("folders that are links are followed, links to nothing are none", async () => {
    const real = await put("a", "1.0.0");
    await rename(real, join(folder, "elsewhere"));
    await symlink(join(folder, "elsewhere"), real);
    await symlink(join(folder, "nowhere"), join(folder, "a/2.0.0"));
    expect((await open("a")).models.map(({ key }) => key)).toEqual(["a/1.0.0"]);
  });
});

describe("resolve", () => {
  test("finds a name's newest version, one version, and the default; ready ones only", async () => {
    await put("a", "1.0.0");
    await put("a", "1.1.0");
    await put("b", "1.0.0");
    const repository = await open("a/1.0.0");
    expect(codeOf(() => repository.resolve("b"))).toBe("MODEL_NOT_READY The model b/1.0.0 is not ready yet.");
    expect(repository.defaultModel.key).toBe("a/1.0.0");
    for (const { key } of repository.models) repository.markReady(key);
    expect(repository.resolve("a").key).toBe("a/1.1.0");
    expect(repository.resolve("a/1.0.0").key).toBe("a/1.0.0");
    expect(repository.resolve(null).key).toBe("a/1.0.0");
    repository.markNotReady("a/1.0.0");
    expect(codeOf(() => repository.resolve(null))).toStartWith("MODEL_NOT_READY");
    expect(() => repository.markReady("c/1.0.0")).toThrow(RangeError);
  });

  test("says which models there are", async () => {
    await put("a", "1.0.0");
    await put("b", "1.0.0");
    const repository = await open("a");
    for (const ref of ["c", "a/9.9.9", "", "../a", "a/1.0.0/x"]) {
      expect(codeOf(() => repository.resolve(ref))).toBe(
        `MODEL_NOT_FOUND There is no model ${JSON.stringify(ref)}; there is a/1.0.0, b/1.0.0.`,
      );
    }
    expect(codeOf(() => repository.resolve("x".repeat(1000))).length).toBeLessThan(200);
  });
});

describe("a broken model stops the start", () => {
  test("every mistake of every model is named", async () => {
    await put("a", "1.0.0", { change: (manifest) => Object.assign(manifest, { version: "1.0.1" }) });
    await put("b", "1.0.0", { change: (manifest) => Object.assign(manifest, { sha256: "0".repeat(64) }) });
    await put("c", "1.0.0", {
      change: (manifest) => Object.assign(manifest.input, { color: "rgb", width: -1 }),
    });
    await Bun.write(join(await put("d", "1.0.0"), "labels.json"), "[1, 2");
    await mkdir(join(folder, "e/1.0.0"), { recursive: true });
    await rm(join(await put("f", "1.0.0"), "model.onnx"));
    const lines = await refusal();
    expect(lines.map((line) => line.split(":", 3).join(":"))).toEqual([
      "a/1.0.0: manifest.json: version",
      "b/1.0.0: manifest.json: sha256",
      "c/1.0.0: manifest.json: input.width",
      "c/1.0.0: manifest.json: input.color",
      "d/1.0.0: labels.json: (the whole file)",
      "e/1.0.0: manifest.json: (the whole file)",
      "f/1.0.0: manifest.json: sha256",
    ]);
    expect(lines[5]).toEndWith("received ENOENT");
    expect(lines[6]).toEndWith("expected a readable file model.onnx, received ENOENT");
  });

  test("no model, and a default that is not there", async () => {
    expect((await refusal())[0]).toContain("for at least one model, received none");
    await put("a", "1.0.0");
    expect(await refusal("b")).toEqual(["default model: expected one of a/1.0.0, received b"]);
  });

  test("a file that is no ONNX file, though its digest is right", async () => {
    const target = await put("a", "1.0.0");
    await Bun.write(join(target, "model.onnx"), "words");
    const sha256 = new Bun.CryptoHasher("sha256").update("words").digest("hex");
    const manifest = Bun.file(join(target, "manifest.json"));
    await Bun.write(manifest, JSON.stringify({ ...(await manifest.json()), sha256 }));
    expect((await refusal())[0]).toMatch(/^a\/1\.0\.0: .*(not an ONNX file|cut short)/);
  });
});

describe("external data", () => {
  const from = "external-data/1.0.0";

  test("is served when it is listed with its digest", async () => {
    await put("a", "1.0.0", { from });
    expect((await open("a")).models).toHaveLength(1);
  });

  test("is refused when it is not listed", async () => {
    await put("a", "1.0.0", {
      from,
      change: (manifest) => Reflect.deleteProperty(manifest, "external_data"),
    });
    expect(await refusal()).toEqual([
      'a/1.0.0: manifest.json: external_data: expected every file that the graph reads to be listed (listed: none), received "weights.bin"',
    ]);
  });

  test("is refused when it is not what was listed", async () => {
    const target = await put("a", "1.0.0", { from });
    const weights = Bun.file(join(target, "weights.bin"));
    const bytes = await weights.bytes();
    bytes[0]! ^= 1;
    await Bun.write(weights, bytes);
    expect((await refusal())[0]).toStartWith("a/1.0.0: manifest.json: external_data.0.sha256: expected");
  });
});

describe("a model's digest", () => {
  test("changes with manifest and labels, and not with the order of keys", async () => {
    await put("a", "1.0.0");
    const digest = async () => (await open("a")).defaultModel.digest;
    const first = await digest();
    expect(first).toMatch(/^[0-9a-f]{64}$/);

    const manifest = Bun.file(join(folder, "a/1.0.0/manifest.json"));
    const json = (await manifest.json()) as Manifest;
    await Bun.write(manifest, JSON.stringify(Object.fromEntries(Object.entries(json).reverse()), null, 8));
    expect(await digest()).toBe(first);

    await Bun.write(
      manifest,
      JSON.stringify({ ...json, normalize: { ...json.normalize, mean: [0.1, 0, 0] } }),
    );
    const other = await digest();
    expect(other).not.toBe(first);

    await Bun.write(manifest, JSON.stringify(json));
    const labels = Bun.file(join(folder, "a/1.0.0/labels.json"));
    await Bun.write(labels, JSON.stringify(((await labels.json()) as object[]).reverse()));
    expect(await digest()).not.toBe(first);
  });
});
