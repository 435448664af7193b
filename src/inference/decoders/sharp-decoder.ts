import sharp, { type OutputInfo, type Sharp } from "sharp";
import { PinholeError } from "../../errors.ts";
import type { ImageMemory } from "../buffer-pool.ts";
import { type DecoderOptions, type ImageDecoder, undecodable } from "../decode.ts";
import { type DecodeTarget, decodeSize, type Size } from "../decode-size.ts";
import { withSequentialScans } from "../headers/jpeg-repair.ts";
import { type EncodedImage, type ImageHeader, type ImageTensor, uprightSize } from "../image.ts";
import { rgbFromInks, rgbOnWhite } from "../to-rgb.ts";

interface Pixels {
  data: Uint8Array;
  info: OutputInfo;
}

const WHITE = { r: 255, g: 255, b: 255 };
const ODD_SCANS = "Invalid SOS parameters for sequential JPEG";

/**
 * Process-wide settings of libvips, to be made once before anything is decoded: no loader but the four that are
 * needed (among the others are ones that open files and parsers nobody asked for), no cache (it would keep
 * callers' pictures), one thread for each picture (pictures run side by side).
 */
export function hardenSharp(): void {
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({
    operation: ["VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadWebp", "VipsForeignLoadNsgif"],
  });
  sharp.cache(false);
  sharp.concurrency(1);
}

/** Decodes every kind by libvips, off the JS thread. Wants `hardenSharp()` to have been called. */
export class SharpDecoder implements ImageDecoder {
  readonly #caps: DecoderOptions;
  readonly #memory: Pick<ImageMemory, "take">;

  constructor(options: DecoderOptions, memory: Pick<ImageMemory, "take">) {
    this.#caps = options;
    this.#memory = memory;
  }

  async decode(image: EncodedImage, header: ImageHeader, target: DecodeTarget): Promise<ImageTensor> {
    try {
      return await this.#decode(image.bytes, header, target);
    } catch (error) {
      if (error instanceof PinholeError || !(error instanceof Error)) throw undecodable(error);
      const repairable = header.format === "jpeg" && !header.progressive && error.message.includes(ODD_SCANS);
      if (!repairable) throw undecodable(error);
    }
    try {
      return await this.#decode(withSequentialScans(image.bytes), header, target);
    } catch (error) {
      throw undecodable(error);
    }
  }

  async #decode(bytes: Uint8Array, header: ImageHeader, target: DecodeTarget): Promise<ImageTensor> {
    const upright = uprightSize(header);
    const size = decodeSize(upright, target);
    let reduced = size.width !== upright.width || size.height !== upright.height;
    let pipeline = this.#open(bytes);
    if (reduced) reduce(pipeline, header, size);
    if (header.bitDepth === 16 && header.hasProfile) {
      // libvips converts 16-bit samples by their profile only in part: made 8-bit first, they go the usual way.
      pipeline = this.#open(await toEightBit(pipeline, header));
      reduced = false;
    }

    // libvips puts inks without a profile through a press profile of its own; everybody else multiplies them.
    if (header.color === "cmyk" && !header.hasProfile) {
      const { data, info } = await this.#read(pipeline.pipelineColourspace("cmyk").toColourspace("cmyk"), 4);
      return { data: rgbFromInks(data), width: info.width, height: info.height };
    }
    // Colours on white are what is to be reduced, so there libvips must lay them on white, which rounds down.
    if (header.alpha && !reduced) {
      const { data, info } = await this.#read(pipeline.toColourspace("srgb").ensureAlpha(), 4);
      return { data: rgbOnWhite(data), width: info.width, height: info.height };
    }
    const onWhite = pipeline.flatten({ background: WHITE }).toColourspace("srgb").removeAlpha();
    const { data, info } = await this.#read(onWhite, 3);
    // The memory is libvips' own, which no thread can hand to another: copied once.
    const own = this.#memory.take(data.length);
    own.set(data);
    return { data: own, width: info.width, height: info.height };
  }

  #open(bytes: Uint8Array): Sharp {
    const { maxPixels, timeoutMs = 0 } = this.#caps;
    return sharp(bytes, { failOn: "warning", limitInputPixels: maxPixels, pages: 1 })
      .autoOrient()
      .timeout({ seconds: Math.ceil(timeoutMs / 1000) });
  }

  async #read(pipeline: Sharp, channels: number): Promise<Pixels> {
    const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== channels || data.length !== info.width * info.height * channels) {
      throw new Error(`decoded to ${data.length} bytes, ${info.width} x ${info.height} x ${info.channels}`);
    }
    return { data, info };
  }
}

/** What the pipeline makes as an 8-bit PNG that still has its profile. */
async function toEightBit(pipeline: Sharp, header: ImageHeader): Promise<Uint8Array> {
  const samples = pipeline.toColourspace(header.color === "grey" ? "b-w" : "srgb").keepIccProfile();
  return await samples.png({ compressionLevel: 0 }).toBuffer();
}

/**
 * A JPEG may be scaled by 1/2, 1/4 or 1/8 while decoding, which is far faster, but libvips then drops the pixels
 * that are left over on the right and below: detail moves by part of a pixel. So only where nothing is left.
 */
function reduce(pipeline: Sharp, header: ImageHeader, size: Size): void {
  const { width, height } = header;
  const upright = uprightSize(header);
  const shrink = Math.min(upright.width / size.width, upright.height / size.height);
  const mostScaled = shrink >= 8 ? 8 : shrink >= 4 ? 4 : shrink >= 2 ? 2 : 1;
  const leftOver = width % mostScaled !== 0 || height % mostScaled !== 0;
  // Cutting out a part first keeps libvips from scaling while decoding; here the part is the whole.
  if (header.format === "jpeg" && leftOver) pipeline.extract({ left: 0, top: 0, ...upright });
  pipeline.resize(size.width, size.height, { fit: "fill", kernel: "cubic" });
}
