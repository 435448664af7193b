import { describe, expect, test } from "bun:test";
import { goldenImage, LIMITS } from "../../../test/golden/cases.ts";
import { PinholeError } from "../../errors.ts";
import type { DecoderName, DecodeTarget, ImageDecoder } from "../decode.ts";
import { validateImage } from "../validate.ts";
import { openDecoders } from "./decoders.ts";

const TARGET: DecodeTarget = { width: 48, height: 48, fit: "cover", crop: 1 };
const { maxPixels } = LIMITS;
const isThere = process.platform === "linux";

const REFUSED = "refused";

/** The decoded pixels, or that there are none. */
async function outcome(decoder: ImageDecoder, bytes: Uint8Array): Promise<Uint8Array | typeof REFUSED> {
  const image = { bytes, filename: null, contentType: null };
  try {
    const header = validateImage(image, LIMITS);
    return (await decoder.decode(image, header, TARGET)).data;
  } catch (error) {
    if (!(error instanceof PinholeError)) throw error;
    return REFUSED;
  }
}

describe("who decodes", () => {
  test("where libjpeg-turbo cannot be loaded sharp decodes everything, and it is said once", async () => {
    const told: unknown[] = [];
    const by: DecoderName[] = [];
    const missing = new Error("libturbojpeg.so.0: cannot open shared object file");
    const decoder = await openDecoders({
      maxPixels,
      loadTurboJpeg: () => Promise.reject(missing),
      onUnavailable: (error) => told.push(error),
      onDecoded: (name) => by.push(name),
    });
    const image = await goldenImage("jpeg-420.jpg");
    for (let i = 0; i < 2; i++) await decoder.decode(image, validateImage(image, LIMITS), TARGET);
    expect(decoder.names).toEqual(["sharp"]);
    expect(told).toEqual([missing]);
    expect(by).toEqual(["sharp", "sharp"]);
  });

  test("where only sharp is wanted nothing else is loaded", async () => {
    const loadTurboJpeg = () => Promise.reject(new Error("was loaded"));
    const onUnavailable = (error: unknown) => expect(error).toBeUndefined();
    const decoder = await openDecoders({ maxPixels, decoders: "sharp", loadTurboJpeg, onUnavailable });
    expect(decoder.names).toEqual(["sharp"]);
  });

  test.skipIf(!isThere)("what is odd but whole is left to sharp (wants Linux)", async () => {
    const by: DecoderName[] = [];
    const decoder = await openDecoders({ maxPixels, onDecoded: (name) => by.push(name) });
    const plain = Buffer.from((await goldenImage("jpeg-420.jpg")).bytes);
    await outcome(decoder, plain);
    await outcome(
      decoder,
      Buffer.concat([plain.subarray(0, -2), Buffer.from([0, 0, 1, 0]), plain.subarray(-2)]),
    );
    expect(by).toEqual(["libjpeg-turbo", "sharp"]);
  });

  test.skipIf(!isThere)("memory is given back when a picture is refused (wants Linux)", async () => {
    const out = new Set<ArrayBufferLike>();
    const memory = {
      take(bytes: number) {
        const pixels = new Uint8Array(bytes);
        out.add(pixels.buffer);
        return pixels;
      },
      give: (buffer: ArrayBufferLike) => void out.delete(buffer),
    };
    const decoder = await openDecoders({ maxPixels, memory });
    const plain = Buffer.from((await goldenImage("jpeg-exif-6.jpg")).bytes);
    await outcome(decoder, Buffer.concat([plain.subarray(0, -500), Buffer.from([0xff, 0xd9])]));
    expect(out.size).toBe(0);
    await outcome(decoder, plain);
    expect(out.size).toBe(1);
  });
});

/** Every hundredth part cut off with the end marker put back, and bits flipped in the picture's data. */
function damaged(plain: Buffer): Buffer[] {
  const data = plain.indexOf(Buffer.from([0xff, 0xda])) + 14;
  const found: Buffer[] = [];
  for (let percent = 1; percent < 100; percent++) {
    const kept = data + Math.floor(((plain.length - 2 - data) * percent) / 100);
    found.push(Buffer.concat([plain.subarray(0, kept), Buffer.from([0xff, 0xd9])]));
    const flipped = Buffer.from(plain);
    flipped[kept]! ^= 1 << (percent % 8);
    found.push(flipped);
  }
  return found;
}

describe.skipIf(!isThere)("damage (wants Linux)", () => {
  test.each([
    "jpeg-420.jpg",
    "jpeg-444.jpg",
    "jpeg-411.jpg",
    "jpeg-grey.jpg",
    "jpeg-restart.jpg",
    "jpeg-progressive.jpg",
    "jpeg-exif-8.jpg",
  ])("%s: the same is refused by both, and the same pixels are taken", async (file) => {
    const by: DecoderName[] = [];
    const fast = await openDecoders({ maxPixels, onDecoded: (name) => by.push(name) });
    const sharp = await openDecoders({ maxPixels, decoders: "sharp" });
    const plain = Buffer.from((await goldenImage(file)).bytes);
    let refused = 0;
    for (const bytes of damaged(plain)) {
      const expected = await outcome(sharp, bytes);
      expect(await outcome(fast, bytes)).toEqual(expected);
      if (expected === REFUSED) refused++;
    }
    expect(refused).toBeGreaterThan(30);
    by.length = 0;
    await outcome(fast, plain);
    expect(by).toEqual(["libjpeg-turbo"]);
  });
});
