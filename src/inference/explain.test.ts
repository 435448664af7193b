import { describe, expect, test } from "bun:test";
import sharp from "sharp";
import { goldenImage } from "../../test/golden/cases.ts";
import { normaliseGrid, renderOverlay } from "./explain.ts";

const CAPS = { maxPixels: 50_000_000, timeoutMs: 10_000 };

async function pixelsOf(url: string): Promise<{ data: Uint8Array; width: number; height: number }> {
  const [head, body] = url.split(",");
  expect(head).toBe("data:image/png;base64");
  const { data, info } = await sharp(Buffer.from(body!, "base64"))
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** A PNG, grey on its left half, white on its right. */
async function halves(width: number, height: number): Promise<Uint8Array> {
  const data = new Uint8Array(width * height * 3).fill(255);
  for (let i = 0; i < width * height; i++) if (i % width < width / 2) data.fill(128, i * 3, i * 3 + 3);
  return await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

function encoded(bytes: Uint8Array) {
  return { bytes, filename: null, contentType: null };
}

describe("normaliseGrid", () => {
  function grid(values: number[], rows: number, columns: number): number[][] {
    return normaliseGrid({ data: Float32Array.from(values), rows, columns });
  }

  test("the strongest is 1, the rest in proportion, to three decimals, row by row", () => {
    expect(grid([0, 1, 2, 3, 4, 6], 2, 3)).toEqual([
      [0, 0.167, 0.333],
      [0.5, 0.667, 1],
    ]);
  });

  test("what speaks against it does not count, and neither does what is no number", () => {
    expect(grid([-5, 2, Number.NaN, Number.POSITIVE_INFINITY], 2, 2)).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  test("a map of nothing is nothing", () => {
    expect(grid([0, 0, -1, 0], 2, 2)).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});

describe("renderOverlay", () => {
  test("is at most 224 pixels long, in the photograph's shape, and never enlarged", async () => {
    const wide = await pixelsOf(await renderOverlay(await goldenImage("scale-20.jpg"), [[0]], CAPS));
    expect([wide.width, wide.height]).toEqual([224, 168]);
    const small = await pixelsOf(await renderOverlay(await goldenImage("jpeg-exif-6.jpg"), [[0]], CAPS));
    expect([small.width, small.height]).toEqual([53, 73]);
  });

  test("is hot where the grid is, and the photograph where it is not", async () => {
    const bytes = await halves(100, 60);
    const { data, width } = await pixelsOf(await renderOverlay(encoded(bytes), [[1, 0]], CAPS));
    const left = data.subarray((30 * width + 2) * 3);
    const right = data.subarray((30 * width + 98) * 3);
    expect(left[0]).toBeGreaterThan(190);
    expect(left[1]).toBeLessThan(60);
    expect([right[0]!, right[1]!, right[2]!].every((level) => level > 245)).toBe(true);
  });

  test("shows what the model saw: the middle of a wide photograph, fitted by cover", async () => {
    const bytes = await halves(400, 100);
    const target = { width: 48, height: 48, fit: "cover", crop: 0.5 } as const;
    const { data, width, height } = await pixelsOf(await renderOverlay(encoded(bytes), [[0]], CAPS, target));
    expect([width, height]).toEqual([224, 224]);
    const row = 112 * width;
    expect(data[(row + 100) * 3]).toBeLessThan(140);
    expect(data[(row + 124) * 3]).toBeGreaterThan(240);
  });

  test("shows what the model saw: borders, fitted by contain, and the whole, stretched", async () => {
    const bytes = await halves(400, 100);
    const base = { width: 48, height: 48, crop: 1 } as const;
    const contained = await pixelsOf(
      await renderOverlay(encoded(bytes), [[0]], CAPS, {
        ...base,
        fit: "contain",
        background: [200, 20, 90],
      }),
    );
    expect([contained.width, contained.height]).toEqual([224, 224]);
    for (const [channel, level] of [200, 20, 90].entries()) {
      // The overlay is a picture of few colours.
      expect(Math.abs(contained.data[(10 * 224 + 200) * 3 + channel]! - level)).toBeLessThanOrEqual(2);
    }
    const stretched = await pixelsOf(
      await renderOverlay(encoded(bytes), [[0]], CAPS, { ...base, fit: "stretch" }),
    );
    expect(stretched.data[(10 * 224 + 200) * 3]).toBeGreaterThan(245);
  });

  test("draws on every kind of photograph", async () => {
    for (const file of [
      "jpeg-cmyk.jpg",
      "png-rgba16.png",
      "png-grey.png",
      "webp-animated.webp",
      "gif-animated.gif",
    ]) {
      const { width, height } = await pixelsOf(await renderOverlay(await goldenImage(file), [[0.5]], CAPS));
      expect([width, height]).toEqual([73, 53]);
    }
  });

  test("decodes again within the caps", async () => {
    const image = await goldenImage("scale-20.jpg");
    const caps = { ...CAPS, maxPixels: 1000 };
    await expect(renderOverlay(image, [[0]], caps)).rejects.toMatchObject({ code: "INVALID_IMAGE" });
  });
});
