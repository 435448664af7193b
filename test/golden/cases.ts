import sharp from "sharp";
import type { DecodeTarget } from "../../src/inference/decode.ts";
import type { EncodedImage } from "../../src/inference/image.ts";
import type { ImageLimits } from "../../src/inference/validate.ts";

const FOLDER = new URL("../fixtures/images/", import.meta.url);

/** One golden image: what `make_reference.py` wrote about it. */
export interface GoldenCase {
  file: string;
  /** CMYK, or a colour profile other than sRGB. */
  profile: boolean;
  fit: DecodeTarget["fit"];
  crop: number;
  /** Size upright. */
  width: number;
  height: number;
  /** Width and height of the model's input. */
  target: number;
  /** SHA-256 of the reference's RGB samples, at full size and fitted. */
  pixels_sha256: string;
  model_sha256: string;
}

export const LIMITS: ImageLimits = {
  types: ["jpeg", "png", "webp", "gif"],
  maxBytes: 10 * 1024 * 1024,
  maxPixels: 50_000_000,
  progressiveMaxPixels: 25_000_000,
  maxScans: 64,
  maxMegapixelScans: 1000,
  maxFrames: 1000,
};

export async function goldenCases(): Promise<GoldenCase[]> {
  return await Bun.file(new URL("cases.json", FOLDER)).json();
}

/** One golden image as a caller would send it, without a declared type. */
export async function goldenImage(file: string): Promise<EncodedImage> {
  return { bytes: await Bun.file(new URL(file, FOLDER)).bytes(), filename: file, contentType: null };
}

/** Times the model's input, on the side that fitting shrinks least. */
export function timesTarget({ fit, crop, width, height, target }: GoldenCase): number {
  return fit === "contain" ? Math.max(width, height) / target : (Math.min(width, height) * crop) / target;
}

/**
 * A reference's RGB samples. It is stored as a plain PNG; that reading it changes nothing is proven by the digest
 * which was taken before it was written.
 */
export async function reference(golden: GoldenCase, kind: "pixels" | "model"): Promise<Uint8Array> {
  const file = Bun.file(new URL(`reference/${golden.file}.${kind}.png`, FOLDER));
  const samples = new Uint8Array(
    await sharp(await file.bytes())
      .removeAlpha()
      .raw()
      .toBuffer(),
  );
  const digest = new Bun.CryptoHasher("sha256").update(samples).digest("hex");
  if (digest !== golden[`${kind}_sha256`])
    throw new Error(`${golden.file}: the ${kind} reference was changed`);
  return samples;
}

/** How far two pictures are apart, in levels of 255. */
export interface Difference {
  mean: number;
  most: number;
  /** Share of the samples that are within so many levels, 0..1. */
  within4: number;
  within6: number;
}

/** @throws Error where they are not of one size */
export function difference(found: Uint8Array, expected: Uint8Array): Difference {
  if (found.length !== expected.length)
    throw new Error(`${found.length} samples instead of ${expected.length}`);
  let sum = 0;
  let most = 0;
  let within4 = 0;
  let within6 = 0;
  for (let i = 0; i < found.length; i++) {
    const apart = Math.abs(found[i]! - expected[i]!);
    sum += apart;
    most = Math.max(most, apart);
    if (apart <= 4) within4++;
    if (apart <= 6) within6++;
  }
  const samples = found.length;
  return { mean: sum / samples, most, within4: within4 / samples, within6: within6 / samples };
}
