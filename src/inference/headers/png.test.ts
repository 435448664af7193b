import { describe, expect, test } from "bun:test";
import { goldenImage } from "../../../test/golden/cases.ts";
import { readPngHeader } from "./png.ts";

const plain = Buffer.from((await goldenImage("png-rgb.png")).bytes);
const AFTER_HEADER = 33;

async function headerOf(file: string) {
  return readPngHeader((await goldenImage(file)).bytes);
}

function changed(change: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(plain);
  change(copy);
  return copy;
}

/** Without the chunk type that is looked for: whoever reads it sees one that nobody knows. */
function without(type: string, bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString("latin1").replaceAll(type, "abCd"), "latin1");
}

describe("readPngHeader", () => {
  test("says everything of a plain PNG", () => {
    expect(readPngHeader(plain)).toEqual({
      format: "png",
      width: 73,
      height: 53,
      orientation: 1,
      bitDepth: 8,
      color: "rgb",
      alpha: false,
      progressive: false,
      scans: 1,
      frames: 1,
      hasProfile: false,
    });
  });

  test("tells depth, colour, alpha, interlacing, orientation and profile", async () => {
    expect(await headerOf("png-rgba16.png")).toMatchObject({ bitDepth: 16, color: "rgb", alpha: true });
    expect(await headerOf("png-grey-alpha.png")).toMatchObject({ bitDepth: 8, color: "grey", alpha: true });
    expect(await headerOf("png-1-bit.png")).toMatchObject({ bitDepth: 1, color: "grey", alpha: false });
    expect(await headerOf("png-palette-4-bit.png")).toMatchObject({
      bitDepth: 4,
      color: "palette",
      alpha: false,
    });
    expect(await headerOf("png-palette-clear.png")).toMatchObject({ color: "palette", alpha: true });
    expect(await headerOf("png-color-key.png")).toMatchObject({ color: "grey", alpha: true });
    expect((await headerOf("png-interlaced.png")).progressive).toBe(true);
    expect((await headerOf("png-exif-6.png")).orientation).toBe(6);
    expect((await headerOf("png-display-p3.png")).hasProfile).toBe(true);
    expect(await headerOf("png-animated.png")).toMatchObject({ width: 73, height: 53 });
  });

  test("does not mind what follows the end", () => {
    expect(readPngHeader(Buffer.concat([plain, Buffer.from("trailer")])).width).toBe(73);
  });

  test.each([
    ["no width", () => changed((bytes) => bytes.writeUInt32BE(0, 16)), "zero"],
    ["a width out of range", () => changed((bytes) => bytes.writeUInt32BE(0x80000000, 16)), "out of range"],
    ["3 bits", () => changed((bytes) => bytes.writeUInt8(3, 24)), "bit depth"],
    ["colour type 1", () => changed((bytes) => bytes.writeUInt8(1, 25)), "colour type"],
    ["an unknown interlace method", () => changed((bytes) => bytes.writeUInt8(2, 28)), "interlace"],
    [
      "a palette picture without palette",
      () => changed((bytes) => bytes.writeUInt8(3, 25)),
      "palette is missing",
    ],
    ["another first chunk", () => without("IHDR", plain), "header chunk"],
    [
      "a second header",
      () => Buffer.concat([plain.subarray(0, AFTER_HEADER), plain.subarray(8)]),
      "two headers",
    ],
    ["no picture data", () => without("IDAT", plain), "no picture data"],
    ["no end", () => plain.subarray(0, plain.length - 12), "cut off"],
    [
      "a chunk longer than the file",
      () => changed((bytes) => bytes.writeUInt32BE(0xffffffff, 33)),
      "cut off",
    ],
  ])("refuses %s", (_, make, text) => {
    expect(() => readPngHeader(make())).toThrow(text);
  });
});
