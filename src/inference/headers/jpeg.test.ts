import { describe, expect, test } from "bun:test";
import { goldenImage } from "../../../test/golden/cases.ts";
import { readJpegHeader } from "./jpeg.ts";
import { withSequentialScans } from "./jpeg-repair.ts";

const plain = Buffer.from((await goldenImage("jpeg-420.jpg")).bytes);
/** After SOI and JFIF's segment. */
const AFTER_JFIF = 20;
const SOS = Buffer.from([0xff, 0xda]);

async function headerOf(file: string) {
  return readJpegHeader((await goldenImage(file)).bytes);
}

function inserted(at: number, ...parts: (Buffer | number[])[]): Buffer {
  return Buffer.concat([
    plain.subarray(0, at),
    ...parts.map((part) => Buffer.from(part)),
    plain.subarray(at),
  ]);
}

function changed(change: (bytes: Buffer) => void, bytes = plain): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

/** Offset of the frame header's marker. */
function frameAt(bytes: Buffer): number {
  return bytes.indexOf(Buffer.from([0xff, 0xc0]));
}

describe("readJpegHeader", () => {
  test("says everything of a plain JPEG", () => {
    expect(readJpegHeader(plain)).toEqual({
      format: "jpeg",
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

  test("tells colour, coding and profile", async () => {
    expect((await headerOf("jpeg-grey.jpg")).color).toBe("grey");
    expect((await headerOf("jpeg-cmyk.jpg")).color).toBe("cmyk");
    expect(await headerOf("jpeg-progressive.jpg")).toMatchObject({ progressive: true, scans: 10 });
    expect((await headerOf("jpeg-display-p3.jpg")).hasProfile).toBe(true);
    expect((await headerOf("jpeg-srgb-profile.jpg")).hasProfile).toBe(false);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "reads EXIF orientation %d, in either byte order",
    async (orientation) => {
      expect((await headerOf(`jpeg-exif-${orientation}.jpg`)).orientation).toBe(orientation);
    },
  );

  test("walks over padding, restart markers, garbage between segments, and what follows the end", async () => {
    expect(readJpegHeader(inserted(AFTER_JFIF, [0xff, 0xff, 0xff])).width).toBe(73);
    expect(readJpegHeader(inserted(AFTER_JFIF, [1, 2, 3])).width).toBe(73);
    expect((await headerOf("jpeg-restart.jpg")).scans).toBe(1);
    expect((await headerOf("jpeg-trailer.jpg")).scans).toBe(1);
  });

  test("counts scans to the end of the picture, however they are hidden", () => {
    const scan = [0xff, 0xda, 0, 2, 0x12, 0xff, 0, 0x34, 0xff, 0xd3, 0x56, 0xff];
    const bytes = inserted(plain.length - 2, ...Array.from({ length: 500 }, () => scan));
    expect(readJpegHeader(bytes).scans).toBe(501);
  });

  test.each([
    [
      "two frame headers",
      () => inserted(AFTER_JFIF, plain.subarray(frameAt(plain), frameAt(plain) + 19)),
      "more than one frame",
    ],
    ["a second start", () => inserted(AFTER_JFIF, [0xff, 0xd8]), "starts inside"],
    ["lossless coding", () => changed((bytes) => bytes.writeUInt8(0xc3, frameAt(bytes) + 1)), "Lossless"],
    ["12 bits", () => changed((bytes) => bytes.writeUInt8(12, frameAt(bytes) + 4)), "12 bits"],
    [
      "no height before the data",
      () => changed((bytes) => bytes.writeUInt16BE(0, frameAt(bytes) + 5)),
      "height",
    ],
    ["no width", () => changed((bytes) => bytes.writeUInt16BE(0, frameAt(bytes) + 7)), "width is zero"],
    ["two components", () => changed((bytes) => bytes.writeUInt8(2, frameAt(bytes) + 9)), "1, 3 or 4"],
    ["a segment of one byte", () => inserted(AFTER_JFIF, [0xff, 0xe5, 0, 1]), "shorter than"],
    ["a scan before the frame", () => inserted(AFTER_JFIF, [0xff, 0xda, 0, 2]), "before the frame header"],
    [
      "no scan",
      () => Buffer.concat([plain.subarray(0, plain.indexOf(SOS)), Buffer.from([0xff, 0xd9])]),
      "no picture",
    ],
    ["nothing but start and end", () => Buffer.from([0xff, 0xd8, 0xff, 0xd9]), "no picture"],
    ["no end", () => plain.subarray(0, plain.length - 2), "cut off"],
    ["half of a segment", () => plain.subarray(0, 30), "cut off"],
  ])("refuses %s", (_, make, text) => {
    expect(() => readJpegHeader(make())).toThrow(text);
  });
});

describe("withSequentialScans", () => {
  const parametersAt = plain.indexOf(SOS) + 2 + 12 - 3;

  test("puts right what phones write, and nothing else", () => {
    const odd = changed((bytes) => bytes.set([0, 0, 0], parametersAt));
    expect(Buffer.from(withSequentialScans(odd))).toEqual(plain);
    expect(odd).not.toEqual(plain);
  });

  test("leaves a right one as it is", () => {
    expect(Buffer.from(withSequentialScans(plain))).toEqual(plain);
  });
});
