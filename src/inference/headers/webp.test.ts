import { describe, expect, test } from "bun:test";
import { goldenImage } from "../../../test/golden/cases.ts";
import { readWebpHeader } from "./webp.ts";

const lossy = Buffer.from((await goldenImage("webp-lossy.webp")).bytes);
const lossless = Buffer.from((await goldenImage("webp-lossless.webp")).bytes);
const animated = Buffer.from((await goldenImage("webp-animated.webp")).bytes);

async function headerOf(file: string) {
  return readWebpHeader((await goldenImage(file)).bytes);
}

function changed(bytes: Buffer, change: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

/** With another size in its RIFF header, so that the file itself is whole. */
function cutTo(bytes: Buffer, length: number): Buffer {
  return changed(bytes.subarray(0, length), (copy) => copy.writeUInt32LE(length - 8, 4));
}

describe("readWebpHeader", () => {
  test("says everything of a plain WebP", () => {
    expect(readWebpHeader(lossy)).toEqual({
      format: "webp",
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
    expect(readWebpHeader(lossless)).toEqual(readWebpHeader(lossy));
  });

  test("tells alpha, orientation, profile and the canvas of an animation", async () => {
    expect((await headerOf("webp-alpha.webp")).alpha).toBe(true);
    expect((await headerOf("webp-lossless-alpha.webp")).alpha).toBe(true);
    expect((await headerOf("webp-exif-8.webp")).orientation).toBe(8);
    expect((await headerOf("webp-display-p3.webp")).hasProfile).toBe(true);
    expect(readWebpHeader(animated)).toMatchObject({ width: 73, height: 53 });
  });

  test("does not mind what follows the end", () => {
    expect(readWebpHeader(Buffer.concat([lossy, Buffer.from("trailer")])).width).toBe(73);
  });

  test.each([
    ["less than its header says", () => lossy.subarray(0, lossy.length - 1), "cut off"],
    ["a chunk longer than the file", () => cutTo(lossy, lossy.length - 40), "longer than the file"],
    ["no chunk but the header's", () => cutTo(animated, 30), "no picture"],
    [
      "a lossy picture without key frame",
      () => changed(lossy, (bytes) => bytes.writeUInt8(1, 20)),
      "key frame",
    ],
    [
      "a lossy picture without start code",
      () => changed(lossy, (bytes) => bytes.writeUInt8(0, 23)),
      "key frame",
    ],
    ["a lossy picture of no width", () => changed(lossy, (bytes) => bytes.writeUInt16LE(0, 26)), "zero"],
    [
      "a lossless picture without signature",
      () => changed(lossless, (bytes) => bytes.writeUInt8(0, 20)),
      "signature",
    ],
    [
      "an animation whose first frame is empty",
      () => changed(animated, (bytes) => bytes.write("XXXX", bytes.indexOf("VP8 "))),
      "first frame",
    ],
  ])("refuses %s", (_, make, text) => {
    expect(() => readWebpHeader(make())).toThrow(text);
  });
});
