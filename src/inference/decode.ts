import { PinholeError } from "../errors.ts";
import type { DecodeTarget } from "./decode-size.ts";
import type { EncodedImage, ImageHeader, ImageTensor } from "./image.ts";

export type { DecodeTarget } from "./decode-size.ts";

export interface DecoderOptions {
  /** Refused past it. `validateImage` has looked before; this is the second wall. */
  maxPixels: number;
  /**
   * Decoding that takes longer is stopped, and the image counts as one that cannot be decoded. Rounded up to
   * whole seconds; 0: no limit. libvips looks at it between lines, not inside a decoder that reads all scans
   * first: those cost what `validateImage` lets them.
   */
  timeoutMs?: number;
}

/** Who decodes, the fastest first. */
export const DECODER_NAMES = ["libjpeg-turbo", "sharp"] as const;
export type DecoderName = (typeof DECODER_NAMES)[number];

/** Turns a photograph that `validateImage` passed into pixels. */
export interface ImageDecoder {
  /**
   * @param header what `validateImage` returned for this image
   * @returns the first frame, upright, in sRGB, on white where it is see-through. As large as it is when that is
   *   less than four times what the model wants, else at least twice that. Nobody else has the tensor's memory: it
   *   may be transferred to another thread
   * @throws PinholeError INVALID_IMAGE
   */
  decode(image: EncodedImage, header: ImageHeader, target: DecodeTarget): Promise<ImageTensor>;
}

export function undecodable(cause: unknown): PinholeError {
  if (cause instanceof PinholeError) return cause;
  return new PinholeError(
    "INVALID_IMAGE",
    "The image is damaged or of a kind that cannot be decoded: save it anew as JPEG or PNG.",
    { cause },
  );
}
