import { describe, expect, test } from "bun:test";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { goldenImage, LIMITS } from "../../test/golden/cases.ts";
import { PinholeError } from "../errors.ts";
import type { DecodeTarget } from "./decode.ts";
import { openDecoders } from "./decoders/decoders.ts";
import type { ImageTensor } from "./image.ts";
import { validateImage } from "./validate.ts";

const TARGET: DecodeTarget = { width: 48, height: 48, fit: "cover", crop: 1 };
describe.each(["auto", "sharp"] as const)("decoders: %s", (decoders) => {
  const opening = openDecoders({ decoders, maxPixels: LIMITS.maxPixels });

  async function decode(bytes: Uint8Array, target = TARGET): Promise<ImageTensor> {
    const image = { bytes, filename: null, contentType: null };
    const decoder = await opening;
    return await decoder.decode(image, validateImage(image, LIMITS), target);
  }

  async function refusal(bytes: Uint8Array): Promise<PinholeError> {
    try {
      await decode(bytes);
    } catch (error) {
      if (error instanceof PinholeError) return error;
      throw error;
    }
    throw new Error("was decoded");
  }

  async function golden(file: string): Promise<Buffer> {
    return Buffer.from((await goldenImage(file)).bytes);
  }

  describe("the tensor", () => {
    test("is as large as it says, in memory of its own that another thread can take", async () => {
      for (const file of ["jpeg-420.jpg", "jpeg-cmyk.jpg", "png-rgba.png", "scale-20.jpg"]) {
        const { data, width, height } = await decode(await golden(file));
        expect(data.byteLength).toBe(width * height * 3);
        const before = [data[0], data[data.length - 1]];

        const worker = new Worker(
          URL.createObjectURL(new Blob(["onmessage = ({ data }) => postMessage([data[0], data.at(-1)]);"])),
        );
        const answer = new Promise((resolve) =>
          worker.addEventListener("message", ({ data }) => resolve(data)),
        );
        worker.postMessage(data, [data.buffer]);
        expect(data.byteLength).toBe(0);
        expect(await answer).toEqual(before);
        worker.terminate();
      }
    });

    test("many at once do not mix", async () => {
      const files = [
        "jpeg-420.jpg",
        "png-rgba.png",
        "jpeg-cmyk.jpg",
        "webp-lossy.webp",
        "gif.gif",
        "scale-4.jpg",
      ];
      const alone = await Promise.all(files.map(async (file) => (await decode(await golden(file))).data));
      const crowd = await Promise.all(
        Array.from(
          { length: 60 },
          async (_, i) => (await decode(await golden(files[i % files.length]!))).data,
        ),
      );
      for (const [i, data] of crowd.entries()) expect(data).toEqual(alone[i % files.length]!);
    });
  });

  describe("what cannot be decoded", () => {
    test("is INVALID_IMAGE with a text of ours; the library's stays private", async () => {
      const plain = await golden("jpeg-420.jpg");
      const error = await refusal(Buffer.concat([plain.subarray(0, -500), Buffer.from([0xff, 0xd9])]));
      expect(error).toMatchObject({ code: "INVALID_IMAGE", status: 422 });
      expect(error.detail).not.toMatch(/vips|jpeg:|error:/i);
      expect(String(error.cause)).toContain("premature end");
    });

    // Of the usual 4:2:0 every missing byte is noticed; of the others only what is missing before the last eight
    // rows, as libvips looks for warnings when it starts on the next eight.
    test.each([
      ["jpeg-420.jpg", [1, 4, 40, 400, 1200]],
      ["scale-20.jpg", [1, 4, 40, 400, 1200, 100_000]],
      ["jpeg-444.jpg", [900, 2000]],
      ["jpeg-grey.jpg", [900, 1200]],
      ["jpeg-cmyk.jpg", [1500, 3000]],
    ])("%s with data missing is refused and never filled up", async (file, cuts) => {
      const plain = await golden(file);
      for (const missing of cuts) {
        const short = Buffer.concat([plain.subarray(0, -2 - missing), Buffer.from([0xff, 0xd9])]);
        expect((await refusal(short)).code).toBe("INVALID_IMAGE");
      }
    });

    test("a PNG with data missing is refused", async () => {
      const plain = await golden("png-rgb.png");
      const start = plain.indexOf("IDAT") - 4;
      const length = plain.readUInt32BE(start);
      for (const kept of [0, 1, length >> 1, length - 6]) {
        const chunk = Buffer.concat([
          Buffer.alloc(4),
          plain.subarray(start + 4, start + 8 + kept),
          Buffer.alloc(4),
        ]);
        chunk.writeUInt32BE(kept, 0);
        chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
        const short = Buffer.concat([plain.subarray(0, start), chunk, plain.subarray(-12)]);
        expect((await refusal(short)).code).toBe("INVALID_IMAGE");
      }
    });

    test.each(["webp-lossy.webp", "webp-lossless.webp"])("%s with data missing is refused", async (file) => {
      const plain = await golden(file);
      for (const missing of [50, 500, 1000]) {
        const short = Buffer.from(plain.subarray(0, -missing));
        short.writeUInt32LE(short.length - 8, 4);
        short.writeUInt32LE(short.length - 20, 16);
        expect((await refusal(short)).code).toBe("INVALID_IMAGE");
      }
    });

    test("more pixels than allowed are refused here, too", async () => {
      const small = await openDecoders({ decoders, maxPixels: 73 * 53 - 1 });
      for (const file of ["png-rgb.png", "jpeg-420.jpg"]) {
        const image = await goldenImage(file);
        const decoding = small.decode(image, validateImage(image, LIMITS), TARGET);
        await expect(decoding).rejects.toMatchObject({ code: "INVALID_IMAGE" });
      }
    });
  });

  describe("what is odd but valid", () => {
    const SCAN = Buffer.from([0xff, 0xda]);

    test.each([
      [
        "the scan header of a progressive one in a sequential one",
        (plain: Buffer) => {
          const copy = Buffer.from(plain);
          copy.set([0, 0, 0], copy.indexOf(SCAN) + 11);
          return copy;
        },
      ],
      [
        "a few bytes too many before the end",
        (plain: Buffer) =>
          Buffer.concat([plain.subarray(0, -2), Buffer.from([0, 0, 1, 0]), plain.subarray(-2)]),
      ],
      [
        "padding between segments",
        (plain: Buffer) =>
          Buffer.concat([plain.subarray(0, 20), Buffer.from([0xff, 0xff]), plain.subarray(20)]),
      ],
      ["a trailer", (plain: Buffer) => Buffer.concat([plain, Buffer.alloc(999, 0xff)])],
    ])("a JPEG with %s decodes to the same pixels", async (_, make) => {
      const plain = await golden("jpeg-420.jpg");
      expect((await decode(make(plain))).data).toEqual((await decode(plain)).data);
    });

    test("repairing a scan header does not let cut-off data pass", async () => {
      const plain = await golden("jpeg-420.jpg");
      plain.set([0, 0, 0], plain.indexOf(SCAN) + 11);
      const error = await refusal(Buffer.concat([plain.subarray(0, -500), Buffer.from([0xff, 0xd9])]));
      expect(String(error.cause)).toContain("premature end");
    });

    test("a PNG whose colour profile is garbage decodes as if it had none", async () => {
      const plain = await golden("png-rgb.png");
      const body = Buffer.from("iCCPx\0\0garbage", "latin1");
      const chunk = Buffer.concat([Buffer.alloc(4), body, Buffer.alloc(4)]);
      chunk.writeUInt32BE(body.length - 4, 0);
      chunk.writeUInt32BE(crc32(body), chunk.length - 4);
      const odd = Buffer.concat([plain.subarray(0, 33), chunk, plain.subarray(33)]);
      expect((await decode(odd)).data).toEqual((await decode(plain)).data);
    });

    test("one pixel, and a line of them", async () => {
      for (const [width, height] of [
        [1, 1],
        [2000, 1],
        [1, 2000],
      ] as const) {
        const raw = { width, height, channels: 3 } as const;
        const png = await sharp(new Uint8Array(width * height * 3).fill(77), { raw })
          .png()
          .toBuffer();
        const tensor = await decode(png, { ...TARGET, fit: "contain" });
        expect(Math.min(tensor.width, tensor.height)).toBe(1);
        expect(tensor.data.every((level) => level === 77)).toBe(true);
      }
    });
  });
});
