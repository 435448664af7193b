import { expect, test } from "bun:test";
import sharp from "sharp";
import { goldenImage } from "../../../test/golden/cases.ts";
import { exifOrientation } from "./exif.ts";
import { readJpegHeader } from "./jpeg.ts";

/** An EXIF block with one entry. */
function block(entry: { type?: number; count?: number; value?: number; bigEndian?: boolean } = {}): Buffer {
  const { type = 3, count = 1, value = 6, bigEndian = false } = entry;
  const bytes = Buffer.alloc(32);
  const u16 = (at: number, v: number) =>
    bigEndian ? bytes.writeUInt16BE(v, at) : bytes.writeUInt16LE(v, at);
  const u32 = (at: number, v: number) =>
    bigEndian ? bytes.writeUInt32BE(v, at) : bytes.writeUInt32LE(v, at);
  bytes.write(bigEndian ? "MM" : "II", 0, "latin1");
  u16(2, 42);
  u32(4, 8);
  u16(8, 1);
  u16(10, 0x0112);
  u16(12, type);
  u32(14, count);
  if (type === 4) u32(18, value);
  else if (type === 1) bytes.writeUInt8(value, 18);
  else u16(18, value);
  return bytes;
}

/** A JPEG with this EXIF block. */
async function photograph(exif: Buffer): Promise<Buffer> {
  const plain = Buffer.from((await goldenImage("jpeg-420.jpg")).bytes);
  const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), exif]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([plain.subarray(0, 20), head, body, plain.subarray(20)]);
}

test("reads the tag in either byte order, with or without prefix, in any integer type", () => {
  expect(exifOrientation(block())).toBe(6);
  expect(exifOrientation(block({ bigEndian: true, value: 8 }))).toBe(8);
  expect(exifOrientation(Buffer.concat([Buffer.from("Exif\0\0", "latin1"), block()]))).toBe(6);
  expect(exifOrientation(block({ type: 4 }))).toBe(6);
  expect(exifOrientation(block({ type: 1 }))).toBe(6);
});

test("whatever is out of order counts as upright", () => {
  expect(exifOrientation(block({ value: 0 }))).toBe(1);
  expect(exifOrientation(block({ value: 9 }))).toBe(1);
  expect(exifOrientation(block({ type: 2 }))).toBe(1);
  expect(exifOrientation(block({ count: 0 }))).toBe(1);
  expect(exifOrientation(new Uint8Array(0))).toBe(1);
  expect(exifOrientation(Buffer.from("II*\0\xff\xff\xff\xff", "latin1"))).toBe(1);
  for (let length = 0; length < 20; length++) expect(exifOrientation(block().subarray(0, length))).toBe(1);
});

test("agrees with libvips, which turns the picture, on every block with one byte changed", async () => {
  for (const bigEndian of [false, true]) {
    // The tag itself and the directory's length: elsewhere libvips may find an orientation in what is no directory.
    for (let at = 0; at < 22; at++) {
      for (const value of [0, 1, 2, 3, 4, 8, 9, 255]) {
        const exif = block({ bigEndian });
        exif[at] = value;
        const bytes = await photograph(exif);
        const { orientation } = await sharp(bytes).metadata();
        expect([bigEndian, at, value, readJpegHeader(bytes).orientation]).toEqual([
          bigEndian,
          at,
          value,
          orientation ?? 1,
        ]);
      }
    }
  }
});
