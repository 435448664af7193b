import { describe, expect, test } from "bun:test";
import { goldenImage, LIMITS } from "../../../test/golden/cases.ts";
import { Random } from "../../../test/system/random.ts";
import { PinholeError } from "../../errors.ts";
import { validateImage } from "../validate.ts";

/** The refusal's code, or null where the bytes were taken. Anything else that is thrown fails the test. */
function refusal(bytes: Uint8Array): string | null {
  try {
    validateImage({ bytes, filename: null, contentType: null }, LIMITS);
    return null;
  } catch (error) {
    if (error instanceof PinholeError) return error.code;
    throw error;
  }
}

const FILES = [
  "jpeg-exif-6.jpg",
  "jpeg-progressive.jpg",
  "jpeg-display-p3.jpg",
  "png-exif-6.png",
  "png-palette-clear.png",
  "webp-lossy.webp",
  "webp-animated.webp",
  "webp-display-p3.webp",
  "gif.gif",
  "gif-animated.gif",
];

describe("hostile bytes", () => {
  test.each([
    "jpeg-exif-6.jpg",
    "jpeg-progressive.jpg",
    "png-palette-clear.png",
    "webp-lossy.webp",
    "webp-animated.webp",
    "gif.gif",
  ])("%s cut at any byte is refused", async (file) => {
    const { bytes } = await goldenImage(file);
    const taken: number[] = [];
    for (let length = 0; length < bytes.length; length++) {
      if (refusal(bytes.subarray(0, length)) === null) taken.push(length);
    }
    // A GIF is whole with its first frame; what follows here is the trailer's one byte.
    expect(taken).toEqual(file === "gif.gif" ? [bytes.length - 1] : []);
  });

  test.each(FILES)("%s with bytes changed at random is taken or refused, nothing else", async (file) => {
    const { bytes } = await goldenImage(file);
    const random = new Random(bytes.length);
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const changed = bytes.slice();
      // Mostly where the headers are.
      const reach = round % 2 === 0 ? Math.min(200, bytes.length) : bytes.length;
      for (let i = 0; i <= round % 4; i++) changed[random.whole(0, reach)] = random.whole(0, 256);
      if (refusal(changed) !== null) refused++;
    }
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(2000);
  });

  test.each([
    ["a JPEG", [0xff, 0xd8, 0xff]],
    ["a PNG", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
    ["a WebP", [0x52, 0x49, 0x46, 0x46, 0xff, 0, 0, 0, 0x57, 0x45, 0x42, 0x50]],
    ["a GIF", [0x47, 0x49, 0x46, 0x38, 0x39, 0x61]],
  ])("noise that starts like %s is refused", (_, start) => {
    const random = new Random(start.length);
    for (let round = 0; round < 2000; round++) {
      const bytes = random.bytes(random.whole(16, 616));
      bytes.set(start);
      expect(refusal(bytes)).toBe("INVALID_IMAGE");
    }
  });

  test("ten megabytes of the smallest parts are one pass, not many", () => {
    const frame = [0xff, 0xc0, 0, 11, 8, 0, 9, 0, 9, 1, 1, 0x11, 0];
    const parts: [start: number[], part: number[]][] = [
      [
        [0xff, 0xd8, ...frame, 0xff, 0xda, 0, 2],
        [0xff, 0],
      ],
      [
        [0xff, 0xd8, ...frame],
        [0xff, 0xda, 0, 2],
      ],
      [
        [0xff, 0xd8],
        [0xff, 0xe1, 0, 18, 0x45, 0x78, 0x69, 0x66, 0, 0, 0x49, 0x49, 0x2a, 0, 8, 0, 0, 0, 0xff, 0xff],
      ],
      [[0xff, 0xd8, 0xff], [0xff]],
      [
        [0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0, 0, 0, 0, 0x21, 0xfe],
        [1, 1],
      ],
    ];
    for (const [start, part] of parts) {
      const bytes = Buffer.alloc(LIMITS.maxBytes).fill(Buffer.from(part), start.length);
      bytes.set(start);
      expect(refusal(bytes)).toBe("INVALID_IMAGE");
    }
  });

  test("more segments or chunks than any photograph has", async () => {
    const jpeg = (await goldenImage("jpeg-420.jpg")).bytes;
    const png = (await goldenImage("png-rgb.png")).bytes;
    const stuffed = (bytes: Uint8Array, at: number, part: number[], copies: number) =>
      Buffer.concat([
        bytes.subarray(0, at),
        Buffer.alloc(copies * part.length, Buffer.from(part)),
        bytes.subarray(at),
      ]);
    const empty = { jpeg: [0xff, 0xe1, 0, 2], png: [0, 0, 0, 0, 0x61, 0x62, 0x43, 0x64, 0, 0, 0, 0] };
    for (const [copies, expected] of [
      [30_000, null],
      [33_000, "INVALID_IMAGE"],
    ] as const) {
      expect(refusal(stuffed(jpeg, 2, empty.jpeg, copies))).toBe(expected);
      expect(refusal(stuffed(png, 33, empty.png, copies))).toBe(expected);
    }
  });

  test("a GIF of more codes than any photograph has", () => {
    const head = [0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x58, 0x1b, 0x58, 0x1b, 0, 0, 0];
    const frame = [0x2c, 0, 0, 0, 0, 0x58, 0x1b, 0x58, 0x1b, 0, 1];
    const blocks = Buffer.alloc(256 * 16_000, Buffer.from([255, ...Array<number>(255).fill(0b10001000)]));
    const bytes = Buffer.concat([Buffer.from([...head, ...frame]), blocks, Buffer.from([0, 0x3b])]);
    expect(() => validateImage({ bytes, filename: null, contentType: null }, LIMITS)).toThrow("too poorly");
  });
});
