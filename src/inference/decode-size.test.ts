import { describe, expect, test } from "bun:test";
import { type DecodeTarget, decodeSize, type Size } from "./decode-size.ts";

const COVER: DecodeTarget = { width: 224, height: 224, fit: "cover", crop: 1 };

/** How many times the target's size the part that is kept has, on the side that shrinks least. */
function times(width: number, height: number, target: DecodeTarget): number {
  if (target.fit === "contain") return Math.max(width / target.width, height / target.height);
  return Math.min(width / target.width, height / target.height) * target.crop;
}

/** Part of a pixel by which the shorter side was rounded. */
function rounding(picture: Size, size: Size): number {
  const [longer, shorter] =
    picture.width >= picture.height ? (["width", "height"] as const) : (["height", "width"] as const);
  return Math.abs((picture[shorter] * size[longer]) / picture[longer] - size[shorter]);
}

describe("decodeSize", () => {
  test("under four times the target a picture stays as it is", () => {
    for (const size of [
      { width: 10, height: 10 },
      { width: 256, height: 256 },
      { width: 895, height: 895 },
      { width: 8000, height: 895 },
    ]) {
      expect(decodeSize(size, COVER)).toEqual(size);
    }
  });

  test("the crop counts: what it cuts away need not be decoded finer", () => {
    expect(decodeSize({ width: 1000, height: 1000 }, { ...COVER, crop: 0.875 }).width).toBe(1000);
    expect(decodeSize({ width: 1100, height: 1100 }, { ...COVER, crop: 0.875 }).width).toBeLessThan(750);
  });

  test.each<[string, DecodeTarget]>([
    ["cover", COVER],
    ["cover, cropped", { ...COVER, crop: 0.875 }],
    ["contain", { ...COVER, fit: "contain" }],
    ["stretch", { ...COVER, fit: "stretch", crop: 0.9 }],
    ["wide", { ...COVER, width: 320, height: 128 }],
  ])("beyond, it is 2.4 to 2.8 times the target and keeps its shape: %s", (_, target) => {
    const errors: number[] = [];
    for (let width = 300; width < 9000; width += 391) {
      for (let height = 300; height < 9000; height += 397) {
        const size = decodeSize({ width, height }, target);
        if (times(width, height, target) < 4) {
          expect(size).toEqual({ width, height });
          continue;
        }
        const found = times(size.width, size.height, target);
        expect(found).toBeGreaterThan(2.35);
        expect(found).toBeLessThan(2.85);
        errors.push(rounding({ width, height }, size));
      }
    }
    // Rounding without a look at what it costs would give 0.25 on average.
    expect(errors.length).toBeGreaterThan(100);
    expect(errors.reduce((sum, error) => sum + error) / errors.length).toBeLessThan(0.03);
  });

  test.each([
    [4032, 3024],
    [4000, 3000],
    [1920, 1080],
    [1200, 1600],
    [1283, 961],
  ])("%d x %d comes out in whole pixels", (width, height) => {
    expect(rounding({ width, height }, decodeSize({ width, height }, COVER))).toBeLessThan(0.02);
  });

  test("a line of pixels has at least one", () => {
    expect(decodeSize({ width: 16383, height: 1 }, { ...COVER, fit: "contain" }).height).toBe(1);
    expect(decodeSize({ width: 1, height: 16383 }, { ...COVER, fit: "contain" }).width).toBe(1);
  });

  test("a strip is not held whole", () => {
    for (const [width, height] of [
      [65_535, 762],
      [700, 65_535],
      [65_535, 1400],
    ] as const) {
      const size = decodeSize({ width, height }, COVER);
      expect(size.width * size.height).toBeLessThanOrEqual(12_845_056);
      expect(size.width / size.height / (width / height)).toBeWithin(0.99, 1.01);
    }
    const large = { ...COVER, width: 1024, height: 1024 };
    expect(decodeSize({ width: 12_000, height: 4000 }, large)).toEqual({ width: 12_000, height: 4000 });
  });
});
