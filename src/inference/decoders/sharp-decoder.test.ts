import { beforeAll, expect, test } from "bun:test";
import sharp from "sharp";
import { goldenImage, LIMITS } from "../../../test/golden/cases.ts";
import { scanBomb } from "../../../test/hostile/jpeg-bombs.ts";
import { PinholeError } from "../../errors.ts";
import { BufferPool } from "../buffer-pool.ts";
import type { DecodeTarget } from "../decode.ts";
import { validateImage } from "../validate.ts";
import { hardenSharp, SharpDecoder } from "./sharp-decoder.ts";

const TARGET: DecodeTarget = { width: 48, height: 48, fit: "cover", crop: 1 };
const memory = new BufferPool({ maxBytes: 0 });

beforeAll(() => hardenSharp());

test("what takes longer than it may is stopped", async () => {
  // Some seconds of work anywhere, which validateImage would refuse.
  const image = { bytes: scanBomb(4000, 4000, 882), filename: null, contentType: null };
  const header = validateImage(image, { ...LIMITS, maxScans: 1000, maxMegapixelScans: 1e6 });
  const impatient = new SharpDecoder({ maxPixels: LIMITS.maxPixels, timeoutMs: 1 }, memory);
  const target = { ...TARGET, width: 224, height: 224 };
  const error = await impatient.decode(image, header, target).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(PinholeError);
  expect((error as PinholeError).code).toBe("INVALID_IMAGE");
  expect(String((error as PinholeError).cause)).toContain("timeout");
});

test("no loader but the four can be reached", async () => {
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  const header = validateImage(await goldenImage("png-rgb.png"), LIMITS);
  const decoding = new SharpDecoder({ maxPixels: LIMITS.maxPixels }, memory).decode(
    { bytes: svg, filename: null, contentType: null },
    header,
    TARGET,
  );
  await expect(decoding).rejects.toMatchObject({ code: "INVALID_IMAGE" });
  await expect(sharp(svg).toBuffer()).rejects.toThrow();
});
