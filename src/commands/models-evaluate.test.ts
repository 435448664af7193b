import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";

const root = join(import.meta.dir, "../..");
const images = mkdtempSync(join(tmpdir(), "pinhole-evaluate-"));
afterAll(() => rmSync(images, { recursive: true }));

beforeAll(async () => {
  for (const [folder, background] of Object.entries({
    red: "#f00",
    green: "#0f0",
    blue: "#f00",
    "no-class": "#00f",
  })) {
    mkdirSync(join(images, folder));
    const plain = sharp({ create: { width: 20, height: 20, channels: 3, background } });
    await plain.png().toFile(join(images, folder, "plain.png"));
  }
  const large = sharp({ create: { width: 300, height: 200, channels: 3, background: "#0f0" } });
  await large.jpeg().toFile(join(images, "green/large.jpg"));
});

async function evaluate(...args: string[]) {
  const argv = [process.execPath, "--no-env-file", "src/commands/models-evaluate.ts", ...args];
  // Settings of whoever runs the tests are none of theirs.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  const run = Bun.spawn(argv, { cwd: root, env, stdout: "pipe", stderr: "pipe" });
  const [out, error] = await Promise.all([run.stdout.text(), run.stderr.text()]);
  return { code: await run.exited, out, error };
}

const model = ["rgb-float32", "--models-dir", "test/fixtures/models"];

test("photographs in folders of classes are judged as the server judges them", async () => {
  const json = join(images, "figures.json");
  const { code, out } = await evaluate(...model, "--images", images, "--json", json);
  expect(out).toContain("top-1                       75.00% (3 of 4;");
  expect(code).toBe(0);
  const { figures, rows } = await Bun.file(json).json();
  expect(figures.top1).toMatchObject({ count: 3, of: 4 });
  expect(rows.map(({ file, truth }: { file: string; truth: number | null }) => [file, truth])).toEqual([
    ["blue/plain.png", 2],
    ["green/large.jpg", 1],
    ["green/plain.png", 1],
    ["no-class/plain.png", null],
    ["red/plain.png", 0],
  ]);
});

test("a photograph that cannot be decoded is named, and the rest is evaluated", async () => {
  const broken = join(images, "red/broken.jpg");
  writeFileSync(broken, "not an image");
  const { code, out, error } = await evaluate(...model, "--images", images);
  rmSync(broken);
  expect([code, out.includes("3 of 4"), error.includes("red/broken.jpg: ")]).toEqual([1, true, true]);
});

test("what is not understood is said with the usage; an unknown model with those there are", async () => {
  expect((await evaluate()).code).toBe(2);
  const unknown = await evaluate("nope", "--models-dir", "test/fixtures/models", "--images", images);
  expect([unknown.code, unknown.error.includes("rgb-float32/1.0.0")]).toEqual([1, true]);
});
