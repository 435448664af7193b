import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { photographs } from "../../loadtest/bench/photographs.ts";
import { parseManifest } from "../../src/model-repository/manifest.ts";
import { graphEnvironment } from "../../src/optimization/environment.ts";
import { SmallDisk } from "../chaos/small-disk.ts";
import { tinyNetwork, writeModel } from "./tiny-network.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** Kept from run to run: what is installed there is the same each time. */
const INSTALLED = join(ROOT, "test/.tools/optimize-cache");
const ANYTHING = ["--min-agreement", "0", "--min-speedup", "0", "--seconds", "0.2"];

let home: string;
let images: string;
let modelsDir: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "pinhole-optimize-"));
  await rm(join(INSTALLED, "pinhole/optimizing"), { recursive: true, force: true });
  await graphEnvironment({
    cacheDir: join(INSTALLED, "pinhole"),
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
  images = join((await photographs("256x256")).files[0]!, "..");
});
afterAll(() => rm(home, { recursive: true, force: true }));
beforeEach(async () => {
  modelsDir = await mkdtemp(join(home, "models-"));
  await tinyNetwork(modelsDir);
});

function start(args: string[], { cache = INSTALLED, models = modelsDir, photos = images } = {}) {
  return Bun.spawn(
    [
      process.execPath,
      "--no-env-file",
      "src/commands/models-optimize.ts",
      ...args,
      ...["--models-dir", models, "--images", photos],
    ],
    {
      cwd: ROOT,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, XDG_CACHE_HOME: cache },
      stdout: "pipe",
      stderr: "pipe",
    },
  );
}

async function run(...[args, options]: Parameters<typeof start>) {
  const child = start(args, options);
  const [out, error] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, out, error };
}

async function verified(): Promise<string> {
  const command = [
    process.execPath,
    "--no-env-file",
    "src/commands/models-verify.ts",
    "--models-dir",
    modelsDir,
  ];
  return Bun.spawn(command, { cwd: ROOT, stdout: "pipe", stderr: "inherit" }).stdout.text();
}

/** Every file there is, hidden ones, too. */
async function everything(folder = modelsDir): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

const works = async () => readdir(join(INSTALLED, "pinhole/optimizing")).catch(() => []);

const SOURCE = ["MODEL_CARD.md", "labels.json", "manifest.json", "model.onnx"].map(
  (file) => `tiny/1.0.0/${file}`,
);

describe("a network made int8", () => {
  test("goes on where it was killed, is a version that verifies, and says all of it", async () => {
    const killed = start(["tiny", ...ANYTHING]);
    const decoder = new TextDecoder();
    let said = "";
    for await (const piece of killed.stderr) {
      said += decoder.decode(piece);
      if (said.includes("int8, percentile")) break;
    }
    killed.kill("SIGKILL");
    await killed.exited;
    expect(said).toContain("int8, minmax");
    expect(await everything()).toEqual(SOURCE);

    const json = join(home, "figures.json");
    const { code, out, error } = await run(["tiny", ...ANYTHING, "--json", json]);
    expect([code, error]).toEqual([0, expect.stringContaining("int8, minmax: done before")]);
    expect(await verified()).toMatch(/tiny +1\.0\.0-int8 .* ok/);
    expect(await works()).toEqual([]);
    expect(out).toContain("PINHOLE_MODEL_DEFAULT=tiny/1.0.0-int8");

    const manifest = parseManifest(await Bun.file(join(modelsDir, "tiny/1.0.0-int8/manifest.json")).json());
    expect(manifest).toMatchObject({
      version: "1.0.0-int8",
      execution: { threads: expect.any(Number), graph_optimization: expect.any(String) },
    });
    const report = await Bun.file(json).json();
    expect(report).toMatchObject({ written: true, refusals: [], made: { sha256: manifest.sha256 } });
    expect(report.kernels.integer).toBeGreaterThanOrEqual(4);
    expect(report.kernels.integer + report.kernels.float).toBe(5);
    expect(report.comparison.agreement.of).toBe(report.photographs.verification);
    expect(report.comparison.agreement.share).toBeGreaterThan(0.5);
    expect(report.tried.map(({ name }: { name: string }) => name)).toEqual([
      "int8, minmax",
      "int8, percentile",
      "int8, entropy",
    ]);
    const card = await Bun.file(join(modelsDir, "tiny/1.0.0-int8/MODEL_CARD.md")).text();
    expect(card).toContain(report.command);
    expect(card).toContain("### tiny\n\nRandom weights.");
  });

  test("that is not worth it is refused with what was tried, and nothing is left of it", async () => {
    const { code, out } = await run(["tiny", ...ANYTHING, "--min-speedup", "100"]);
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(/Refused: it is [\d.]+ times as fast, and 100 is wanted/),
    ]);
    expect(out).toContain("int8, entropy");
    expect(out).toContain("layers with weights only");
    expect([await everything(), await works()]).toEqual([SOURCE, []]);
  });

  test("for size has its weights in half the bytes", async () => {
    const json = join(home, "size.json");
    const { code } = await run(["tiny", ...ANYTHING, "--goal", "size", "--json", json]);
    expect(code).toBe(0);
    expect(await verified()).toMatch(/tiny +1\.0\.0-float16 .* ok/);
    const { source, made, comparison } = await Bun.file(json).json();
    expect(made.bytes / source.bytes).toBeLessThan(0.6);
    expect(comparison.agreement.share).toBeGreaterThan(0.95);
  });
});

describe("nothing is written, and it is said why, when", () => {
  test("there are too few photographs", async () => {
    const photos = await mkdtemp(join(home, "few-"));
    const { files } = await photographs("1280x960");
    for (const [index, file] of files.entries()) await symlink(file, join(photos, `${index}.jpg`));
    const { code, error } = await run(["tiny"], { photos });
    expect([code, error]).toEqual([1, expect.stringContaining("200 different photographs are needed")]);
    expect(await everything()).toEqual(SOURCE);
  });

  test("the graph is broken", async () => {
    const graph = await Bun.file(join(modelsDir, "tiny/1.0.0/model.onnx")).bytes();
    const broken = Buffer.from(graph).toString("latin1").replaceAll("Gemm", "Gxmm");
    await writeModel(modelsDir, "broken", Buffer.from(broken, "latin1"));
    const before = await everything();
    const { code, error } = await run(["broken", ...ANYTHING]);
    expect([code, error]).toEqual([1, expect.stringMatching(/Nothing was written\. .*Gxmm/)]);
    expect(error).not.toContain("Traceback");
    expect(await everything()).toEqual(before);
  });

  test("there is no such model, or the version is there already", async () => {
    expect(await run(["nope"])).toMatchObject({ code: 1, error: expect.stringContaining("tiny/1.0.0") });
    const there = await run(["tiny", "--version", "1.0.0"]);
    expect(there).toMatchObject({ code: 1, error: expect.stringContaining("is there already") });
    expect((await run(["tiny", "--goal", "beauty"])).code).toBe(2);
  });

  test("the disk of the work, or that of the models, is full", async () => {
    await using disk = await SmallDisk.mount(join(home, "disk"), 32);
    const cache = join(disk.path, "cache");
    await mkdir(join(cache, "pinhole"), { recursive: true });
    for (const name of await readdir(join(INSTALLED, "pinhole")))
      if (name !== "optimizing")
        await symlink(join(INSTALLED, "pinhole", name), join(cache, "pinhole", name));
    const models = join(disk.path, "models");
    await tinyNetwork(models);
    disk.fill();
    const noWork = await run(["tiny", ...ANYTHING], { cache, models });
    expect([noWork.code, noWork.error]).toEqual([1, expect.stringContaining("The disk is full")]);
    expect(await everything(models)).toEqual(SOURCE);

    const noModels = await run(["tiny", ...ANYTHING], { models });
    expect([noModels.code, noModels.error]).toEqual([1, expect.stringContaining("The disk is full")]);
    expect(await everything(models)).toEqual(SOURCE);
    expect(await works()).toEqual([]);
  });
});
