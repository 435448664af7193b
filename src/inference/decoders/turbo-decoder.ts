import type { ImageMemory } from "../buffer-pool.ts";
import { type DecodeTarget, type Size, timesWanted } from "../decode-size.ts";
import { type EncodedImage, type ImageHeader, type ImageTensor, uprightSize } from "../image.ts";
import { type Shrink, shrunkSize, type TurboJpeg } from "./turbo-jpeg.ts";
import { copyUpright } from "./upright.ts";

const SHRINKS = [8, 4, 2] as const satisfies readonly Shrink[];
/** Times the wanted size that a shrunk picture must still have: test/golden says how near to Pillow's it is then. */
const LEAST_TIMES = 2.1;
/** Most decoded pixels. What has more even shrunk (odd sizes, strips) costs more memory than it saves time. */
const MOST_PIXELS = 2_000_000;
/** Most pixels times scans: the library cannot be stopped, so nothing may take long. Cameras write up to 12 scans. */
const MOST_PIXEL_SCANS = 300_000_000;
/** Most pixels turned upright, which is done on the JS thread: some milliseconds. */
const MOST_TURNED_PIXELS = 1_000_000;

/**
 * By how much libjpeg-turbo is to shrink a photograph that it decodes; null where it is not to decode it: anything
 * but a JPEG, inks, a colour profile other than sRGB, or too large even so.
 */
export function turboShrink(header: ImageHeader, target: DecodeTarget): Shrink | null {
  const { format, color, hasProfile, orientation } = header;
  if (format !== "jpeg" || color === "cmyk" || hasProfile) return null;
  if (header.scans > 1 && header.width * header.height * header.scans > MOST_PIXEL_SCANS) return null;
  const times = timesWanted(uprightSize(header), target);
  // Pixels that are left over on the right or below would move all detail by a part of a pixel.
  const isEven = (by: number) => header.width % by === 0 && header.height % by === 0;
  const shrink = SHRINKS.find((by) => isEven(by) && times / by >= LEAST_TIMES) ?? 1;
  const { width, height } = shrunkSize(header, shrink);
  const most = orientation === 1 ? MOST_PIXELS : MOST_TURNED_PIXELS;
  return width * height <= most ? shrink : null;
}

/** Decodes plain JPEGs, off the JS thread but for turning them upright. */
export class TurboDecoder {
  readonly #library: TurboJpeg;
  readonly #memory: ImageMemory;

  constructor(library: TurboJpeg, memory: ImageMemory) {
    this.#library = library;
    this.#memory = memory;
  }

  /**
   * @param shrink what `turboShrink` said
   * @throws TurboJpegError where the library does not vouch for the whole picture
   */
  async decode({ bytes }: EncodedImage, header: ImageHeader, shrink: Shrink): Promise<ImageTensor> {
    const stored = shrunkSize(header, shrink);
    const pixels = this.#memory.take(stored.width * stored.height * 3);
    try {
      await this.#library.decode(bytes, header, shrink, pixels);
    } catch (error) {
      this.#memory.give(pixels.buffer);
      throw error;
    }
    return this.#upright(pixels, stored, header.orientation);
  }

  #upright(pixels: Uint8Array<ArrayBuffer>, stored: Size, orientation: number): ImageTensor {
    if (orientation === 1) return { data: pixels, ...stored };
    const data = this.#memory.take(pixels.length);
    copyUpright(pixels, stored, orientation, data);
    this.#memory.give(pixels.buffer);
    return { data, ...uprightSize({ ...stored, orientation }) };
  }
}
