import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const MODELS = join(ROOT, "test/fixtures/models");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pinhole-commands-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(command: string, ...args: string[]) {
  const child = Bun.spawn([process.execPath, "--no-env-file", `src/commands/${command}.ts`, ...args], {
    cwd: ROOT,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

describe("models:verify", () => {
  test("shows a row for every model and ends well when all answer", async () => {
    const { stdout, stderr, exitCode } = await run("models-verify", "--models-dir", MODELS);
    expect(stderr).toBe("");
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head!.split(/ {2,}/)).toEqual(["model", "version", "input", "classes", "opset", "ms", "status"]);
    expect(rows).toHaveLength(15);
    expect(rows.every((row) => row.endsWith("  ok"))).toBe(true);
    expect(rows.find((row) => row.startsWith("opset-13 "))).toMatch(
      /^opset-13 +1\.0\.0 +float32 NCHW RGB 16x16 +3 +13 +\d+\.\d +ok$/,
    );
    expect(exitCode).toBe(0);
  });

  test("goes through all of them when one is wrong, says why and ends badly", async () => {
    const models = join(folder, "verify");
    for (const name of ["opset-13", "opset-26", "bgr-float32"]) {
      await cp(join(MODELS, name), join(models, name), { recursive: true });
    }
    const spoil = async (name: string, from: string, to: string) => {
      const file = Bun.file(join(models, name, "1.0.0/manifest.json"));
      await Bun.write(file, (await file.text()).replace(from, to));
    };
    await spoil("opset-13", '"RGB"', '"GRB"');
    await spoil("opset-26", '"name": "image"', '"name": "picture"');
    const { stdout, stderr, exitCode } = await run("models-verify", "--models-dir", models);
    const statuses = stdout
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((row) => row.split(/ {2,}/).at(-1)!);
    expect(statuses).toEqual(["ok", "WRONG", "WRONG"]);
    expect(stderr.trim().split("\n")).toEqual([
      'opset-13/1.0.0: manifest.json: input.color: expected one of "RGB", "BGR", received "GRB"',
      "opset-26/1.0.0: manifest.json: input.name: expected one of image, received picture",
    ]);
    expect(exitCode).toBe(1);
  });

  test("without any model, or with an option it does not know, ends badly", async () => {
    expect(await run("models-verify", "--models-dir", join(folder, "nowhere"))).toMatchObject({
      exitCode: 1,
    });
    expect(await run("models-verify", "--model", "a")).toMatchObject({ exitCode: 2 });
  });
});

describe("models:add", () => {
  test("adds a model that models:verify then passes, and says what is left to do", async () => {
    const models = join(folder, "add");
    const file = join(MODELS, "nhwc-uint8-bgr/1.0.0/model.onnx");
    const added = await run(
      "models-add",
      file,
      "--models-dir",
      models,
      "--name",
      "colors",
      "--version",
      "1.2.3",
    );
    expect(added).toMatchObject({ exitCode: 0, stderr: "" });
    expect(added.stdout).toContain(`Added colors/1.2.3 in ${join(models, "colors/1.2.3")}`);
    expect(added.stdout).toMatch(/The graph says:\n(.*\n)*? {2}input\.layout +"NHWC"\n/);
    expect(added.stdout).toMatch(/The graph cannot say(.*\n)*? {2}input\.color +"RGB"\n/);
    const verified = await run("models-verify", "--models-dir", models);
    expect(verified.stdout).toMatch(/colors +1\.2\.3 +uint8 NHWC RGB 16x16 .* ok/);
    expect(verified.exitCode).toBe(0);
  });

  test("says why it added nothing", async () => {
    const { stderr, exitCode } = await run(
      "models-add",
      "package.json",
      "--models-dir",
      join(folder, "none"),
    );
    expect(stderr).toMatch(/^Nothing was added\. .*(not an ONNX file|cut short|damaged)/);
    expect(exitCode).toBe(1);
    expect(await run("models-add")).toMatchObject({ exitCode: 2 });
  });
});
