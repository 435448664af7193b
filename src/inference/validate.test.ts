import { describe, expect, test } from "bun:test";
import { goldenCases, goldenImage, LIMITS } from "../../test/golden/cases.ts";
import { pngClaiming } from "../../test/system/pictures.ts";
import { PinholeError } from "../errors.ts";
import type { EncodedImage } from "./image.ts";
import { type ImageLimits, validateImage } from "./validate.ts";

const jpeg = await goldenImage("jpeg-420.jpg");
const progressive = await goldenImage("jpeg-progressive.jpg");

function refusal(image: Partial<EncodedImage>, limits: Partial<ImageLimits> = {}): PinholeError {
  try {
    validateImage({ ...jpeg, ...image }, { ...LIMITS, ...limits });
  } catch (error) {
    if (error instanceof PinholeError) return error;
    throw error;
  }
  throw new Error("was taken");
}

function format(image: Partial<EncodedImage>, limits: Partial<ImageLimits> = {}): string {
  return validateImage({ ...jpeg, ...image }, { ...LIMITS, ...limits }).format;
}

describe("type", () => {
  test.each([
    ["leaf.jpg", "image/jpeg"],
    ["LEAF.JPEG", "image/jpg"],
    ["leaf.jfif", "image/pjpeg"],
    [null, null],
    [null, "application/octet-stream"],
    ["leaf", "application/octet-stream"],
    ["leaf.", null],
    [".jpg", null],
    ["leaf 12.05.2025", null],
    ["leaf 12.05. morning", null],
    // Another allowed type than the bytes are: phones and browsers do that.
    ["leaf.png", "image/jpeg"],
    ["leaf.jpg", "image/png"],
    ["leaf.webp", "image/gif"],
  ])("a JPEG named %p, declared %p, is taken", (filename, contentType) => {
    expect(format({ filename, contentType })).toBe("jpeg");
  });

  test.each([
    ["leaf.jpg", "image/heic", "content type"],
    ["leaf.jpg", "text/plain", "content type"],
    ["leaf.heic", "image/jpeg", "extension"],
    ["leaf.jpg.exe", "application/octet-stream", "extension"],
    // In this order: the content type is named first.
    ["leaf.exe", "text/plain", "content type"],
  ])("a JPEG named %p, declared %p, is refused", (filename, contentType, named) => {
    const error = refusal({ filename, contentType });
    expect(error).toMatchObject({ code: "UNSUPPORTED_IMAGE_TYPE", status: 400 });
    expect(error.detail).toContain(named);
    expect(error.members).toEqual({
      allowed: ["image/jpeg", "image/png", "image/webp", "image/gif"],
      content_type: contentType,
      extension: filename.split(".").at(-1),
      detected: "image/jpeg",
    });
  });

  test("what the bytes are decides", () => {
    const heic = Buffer.from("\0\0\0\x18ftypheic\0\0\0\0", "latin1");
    const error = refusal({ bytes: heic, filename: "leaf.jpg", contentType: "image/jpeg" });
    expect(error).toMatchObject({ code: "UNSUPPORTED_IMAGE_TYPE", members: { detected: "image/heic" } });
    expect(error.detail).toContain("image/heic");
    expect(refusal({ bytes: Buffer.from("leaf") }).members).toMatchObject({ detected: null });
  });

  test("the list of types is a setting", () => {
    const error = refusal({ filename: null }, { types: ["png", "webp"] });
    expect(error.members).toMatchObject({ allowed: ["image/png", "image/webp"], detected: "image/jpeg" });
    expect(refusal({ filename: "leaf.jpg" }, { types: ["png"] }).detail).toContain("extension");
  });
});

describe("size", () => {
  test("an empty image is refused before anything else is looked at", () => {
    const error = refusal({ bytes: new Uint8Array(0), filename: "leaf.exe", contentType: "text/plain" });
    expect(error).toMatchObject({ code: "EMPTY_IMAGE", status: 400 });
  });

  test("too many bytes are refused before the type is looked at", () => {
    const bytes = new Uint8Array(1_600_000);
    const error = refusal({ bytes, filename: "leaf.exe" }, { maxBytes: 1024 * 1024 });
    expect(error).toMatchObject({ code: "FILE_TOO_LARGE", status: 413 });
    expect(error.members).toEqual({ file_size_mb: 1.53, max_size_mb: 1, filename: "leaf.exe" });
    expect(format({}, { maxBytes: jpeg.bytes.length })).toBe("jpeg");
    expect(refusal({}, { maxBytes: jpeg.bytes.length - 1 }).code).toBe("FILE_TOO_LARGE");
  });

  test("too many pixels", () => {
    const error = refusal({}, { maxPixels: 73 * 53 - 1 });
    expect(error).toMatchObject({ code: "TOO_MANY_PIXELS", status: 422 });
    expect(error.members).toEqual({ pixels: 3869, max_pixels: 3868, width: 73, height: 53 });
    expect(format({}, { maxPixels: 73 * 53 })).toBe("jpeg");
  });

  test("a side has an end, too", async () => {
    const bytes = pngClaiming(65_536, 1, (await goldenImage("png-rgb.png")).bytes);
    expect(refusal({ bytes })).toMatchObject({
      code: "TOO_MANY_PIXELS",
      members: { width: 65_536, height: 1, max_side: 65_535 },
    });
  });

  test("fewer pixels are allowed where the whole picture must be held", async () => {
    const limits = { progressiveMaxPixels: 3868 };
    expect(format({}, limits)).toBe("jpeg");
    expect(refusal({ bytes: progressive.bytes }, limits)).toMatchObject({
      code: "TOO_MANY_PIXELS",
      members: { max_pixels: 3868 },
    });
    const png = { ...(await goldenImage("png-interlaced.png")) };
    expect(refusal(png, limits).code).toBe("TOO_MANY_PIXELS");
    expect(format(await goldenImage("png-rgb.png"), limits)).toBe("png");
    expect(format(await goldenImage("gif-interlaced.gif"), limits)).toBe("gif");
  });
});

describe("frames", () => {
  test("too many of them", async () => {
    const image = await goldenImage("webp-animated.webp");
    const error = refusal(image, { maxFrames: 1 });
    expect(error).toMatchObject({ code: "INVALID_IMAGE", status: 422 });
    expect(error.members).toEqual({ frames: 2, max_frames: 1 });
    expect(format(image, { maxFrames: 2 })).toBe("webp");
  });

  test("a still picture has one", async () => {
    expect(format(await goldenImage("webp-lossy.webp"), { maxFrames: 1 })).toBe("webp");
  });
});

describe("scans", () => {
  test("too many of them", () => {
    const error = refusal({ bytes: progressive.bytes }, { maxScans: 9 });
    expect(error).toMatchObject({ code: "TOO_MANY_SCANS", status: 422 });
    expect(error.members).toEqual({ scans: 10, max_scans: 9, megapixel_scans: 1, max_megapixel_scans: 1000 });
    expect(format({ bytes: progressive.bytes }, { maxScans: 10 })).toBe("jpeg");
  });

  test("too many over too many pixels", async () => {
    const { bytes } = await goldenImage("scale-20-progressive.jpg");
    expect(refusal({ bytes }, { maxMegapixelScans: 12 }).members).toMatchObject({ megapixel_scans: 13 });
    expect(format({ bytes }, { maxMegapixelScans: 13 })).toBe("jpeg");
    // What a picture of one scan costs is bounded by its pixels.
    expect(format(await goldenImage("scale-20.jpg"), { maxMegapixelScans: 1 })).toBe("jpeg");
  });
});

test("every golden image is taken as it is", async () => {
  for (const { file } of await goldenCases()) {
    expect(validateImage(await goldenImage(file), LIMITS).width).toBeGreaterThan(0);
  }
});
