import { describe, expect, test } from "bun:test";
import { goldenImage } from "../../../test/golden/cases.ts";
import { readGifHeader } from "./gif.ts";

const plain = Buffer.from((await goldenImage("gif.gif")).bytes);

/** Where the first frame's parts lie. */
function layout(bytes: Buffer): { frame: number; blocks: number[]; end: number } {
  let at = 13 + (3 << ((bytes[10]! & 7) + 1));
  while (bytes[at] === 0x21) {
    at += 2;
    while (bytes[at] !== 0) at += 1 + bytes[at]!;
    at++;
  }
  const frame = at;
  const flags = bytes[frame + 9]!;
  at = frame + 10 + ((flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1)) + 1;
  const blocks: number[] = [];
  for (; bytes[at] !== 0; at += 1 + bytes[at]!) blocks.push(at);
  return { frame, blocks, end: at + 1 };
}

function changed(change: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(plain);
  change(copy);
  return copy;
}

describe("readGifHeader", () => {
  const { frame, blocks, end } = layout(plain);

  test("says everything of a plain GIF", () => {
    expect(readGifHeader(plain)).toEqual({
      format: "gif",
      width: 73,
      height: 53,
      orientation: 1,
      bitDepth: 8,
      color: "palette",
      alpha: false,
      progressive: false,
      scans: 1,
      frames: 1,
      hasProfile: false,
    });
  });

  test("tells transparency and interlacing, and needs no more than the first frame", async () => {
    expect(readGifHeader((await goldenImage("gif-transparent.gif")).bytes).alpha).toBe(true);
    expect(readGifHeader((await goldenImage("gif-interlaced.gif")).bytes).progressive).toBe(true);
    const animated = Buffer.from((await goldenImage("gif-animated.gif")).bytes);
    expect(readGifHeader(animated.subarray(0, layout(animated).end)).width).toBe(73);
  });

  test("is as large as its first frame where that reaches beyond the screen", () => {
    const shifted = changed((bytes) => bytes.writeUInt16LE(10, frame + 1));
    expect(readGifHeader(shifted)).toMatchObject({ width: 83, height: 53 });
  });

  test("a frame that lacks any part of its data is refused", () => {
    for (let kept = 0; kept < blocks.length; kept++) {
      const short = Buffer.concat([plain.subarray(0, blocks[kept]), Buffer.from([0, 0x3b])]);
      expect(() => readGifHeader(short)).toThrow("do not fill it");
    }
  });

  test.each([
    ["a file that ends in its first frame", () => plain.subarray(0, end - 1), "cut off"],
    ["a file that ends before it", () => plain.subarray(0, frame), "cut off"],
    ["an empty frame", () => changed((bytes) => bytes.writeUInt16LE(0, frame + 5)), "empty"],
    ["an unknown block", () => changed((bytes) => bytes.writeUInt8(0x99, frame)), "unknown block"],
    ["no frame", () => changed((bytes) => bytes.writeUInt8(0x3b, frame)), "no picture"],
    [
      "a code size out of range",
      () => changed((bytes) => bytes.writeUInt8(12, blocks[0]! - 1)),
      "do not fill it",
    ],
  ])("refuses %s", (_, make, text) => {
    expect(() => readGifHeader(make())).toThrow(text);
  });
});
