import { describe, expect, test } from "bun:test";
import sharp, { type Sharp } from "sharp";
import type { ImageTensor } from "./image.ts";
import { assessQuality, QUALITY_THRESHOLDS } from "./quality.ts";

const LEAVES = new URL("../../test/fixtures/leaves/", import.meta.url).pathname;
const leaves = (await Array.fromAsync(new Bun.Glob("*.jpg").scan(LEAVES))).sort();

async function photograph(
  file: string,
  change: (leaf: Sharp) => Sharp = (leaf) => leaf,
): Promise<ImageTensor> {
  const changed = change(sharp(await Bun.file(LEAVES + file).bytes())).raw();
  const { data, info } = await changed.toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height };
}

function plain(width: number, height: number, level: number): ImageTensor {
  return { data: new Uint8Array(width * height * 3).fill(level), width, height };
}

describe("assessQuality", () => {
  test.each(leaves)("%s has no issue as it is, and the right one when spoilt", async (file) => {
    expect(assessQuality(await photograph(file), 224, 224).issues).toEqual([]);
    expect(assessQuality(await photograph(file, (leaf) => leaf.blur(4)), 224, 224).issues).toEqual([
      "blurred",
    ]);
    expect(assessQuality(await photograph(file, (leaf) => leaf.linear(0.15, 0)), 224, 224).issues).toEqual([
      "too_dark",
    ]);
    expect(assessQuality(await photograph(file, (leaf) => leaf.linear(0.2, 225)), 224, 224).issues).toContain(
      "too_bright",
    );
  });

  test.each(leaves)("%s is as sharp dark as bright, and as bright blurred as sharp", async (file) => {
    const asItIs = assessQuality(await photograph(file), 224, 224);
    const dark = assessQuality(await photograph(file, (leaf) => leaf.linear(0.4, 0)), 224, 224);
    const blurred = assessQuality(await photograph(file, (leaf) => leaf.blur(4)), 224, 224);
    expect(Math.abs(dark.sharpness - asItIs.sharpness)).toBeLessThan(0.05);
    expect(Math.abs(blurred.brightness - asItIs.brightness)).toBeLessThan(0.02);
  });

  test("a blurred photograph is blurred at every size", async () => {
    for (const side of [256, 512, 800]) {
      const tensor = await photograph(leaves[0]!, (leaf) => leaf.blur(4).resize(side, side));
      expect(assessQuality(tensor, 224, 224).issues).toEqual(["blurred"]);
    }
  });

  test("one colour has no edges, and its own luma", () => {
    const grey = assessQuality(plain(300, 200, 128), 100, 100);
    expect(grey.sharpness).toBe(0);
    expect(grey.brightness).toBeCloseTo(128 / 255, 6);
    expect(assessQuality(plain(300, 200, 0), 100, 100).issues).toEqual(["too_dark", "blurred"]);
    expect(assessQuality(plain(300, 200, 255), 100, 100).issues).toEqual(["too_bright", "blurred"]);
  });

  test("the weights are those of luma", () => {
    const red = plain(64, 64, 0);
    for (let at = 0; at < red.data.length; at += 3) red.data[at] = 255;
    expect(assessQuality(red, 10, 10).brightness).toBeCloseTo(0.299, 6);
  });

  test("too small is smaller than the model wants, on either side", () => {
    expect(assessQuality(plain(224, 224, 128), 224, 224).issues).not.toContain("too_small");
    expect(assessQuality(plain(223, 400, 128), 224, 224).issues).toContain("too_small");
    expect(assessQuality(plain(400, 223, 128), 224, 224).issues).toContain("too_small");
  });

  test("figures stay within 0..1 at any size, noise included", () => {
    for (const [width, height] of [
      [1, 1],
      [2, 1],
      [1, 9],
      [47, 3],
      [640, 480],
    ] as const) {
      const noise = plain(width, height, 0);
      noise.data.forEach((_, i) => {
        noise.data[i] = (i * 2654435761) >>> 24;
      });
      const { sharpness, brightness } = assessQuality(noise, 10, 10);
      for (const figure of [sharpness, brightness]) {
        expect(figure).toBeGreaterThanOrEqual(0);
        expect(figure).toBeLessThanOrEqual(1);
      }
    }
  });

  test("the thresholds leave room between them", () => {
    expect(QUALITY_THRESHOLDS.tooDarkBelow).toBeLessThan(QUALITY_THRESHOLDS.tooBrightAbove);
  });
});
