import { BufferPool, type ImageMemory } from "../buffer-pool.ts";
import { DECODER_NAMES, type DecoderName, type DecoderOptions, type ImageDecoder } from "../decode.ts";
import type { DecodeTarget } from "../decode-size.ts";
import type { EncodedImage, ImageHeader, ImageTensor } from "../image.ts";
import { hardenSharp, SharpDecoder } from "./sharp-decoder.ts";
import { TurboDecoder, turboShrink } from "./turbo-decoder.ts";
import { TurboJpeg } from "./turbo-jpeg.ts";

export interface DecodersOptions extends DecoderOptions {
  /** `sharp`: everything by sharp. `auto`: by libjpeg-turbo what it does as well and faster. */
  decoders?: "auto" | "sharp";
  /** Where tensors get their memory; by default it is fresh. */
  memory?: ImageMemory;
  /** Each picture that was decoded. */
  onDecoded?: (decoder: DecoderName) => void;
  /** Once, where libjpeg-turbo is wanted and not there: sharp then does it all. */
  onUnavailable?: (error: unknown) => void;
  /** For tests. */
  loadTurboJpeg?: () => Promise<TurboJpeg>;
}

/** The decoders that this machine has, as one. Hardens sharp for the whole process. Never fails. */
export async function openDecoders(options: DecodersOptions): Promise<Decoders> {
  const {
    decoders = "auto",
    memory = new BufferPool({ maxBytes: 0 }),
    loadTurboJpeg = TurboJpeg.load,
  } = options;
  hardenSharp();
  const sharp = new SharpDecoder(options, memory);
  let turbo: TurboDecoder | null = null;
  try {
    if (decoders === "auto") turbo = new TurboDecoder(await loadTurboJpeg(), memory);
  } catch (error) {
    options.onUnavailable?.(error);
  }
  return new Decoders(sharp, turbo, options);
}

/** Decides from the header who decodes, and asks sharp where the fast one has doubts. */
export class Decoders implements ImageDecoder {
  readonly #sharp: ImageDecoder;
  readonly #turbo: TurboDecoder | null;
  readonly #maxPixels: number;
  readonly #onDecoded: (decoder: DecoderName) => void;

  constructor(
    sharp: ImageDecoder,
    turbo: TurboDecoder | null,
    { maxPixels, onDecoded = () => undefined }: Pick<DecodersOptions, "maxPixels" | "onDecoded">,
  ) {
    this.#sharp = sharp;
    this.#turbo = turbo;
    this.#maxPixels = maxPixels;
    this.#onDecoded = onDecoded;
  }

  /** Who there is, the fastest first. */
  get names(): readonly DecoderName[] {
    return this.#turbo === null ? ["sharp"] : DECODER_NAMES;
  }

  async decode(image: EncodedImage, header: ImageHeader, target: DecodeTarget): Promise<ImageTensor> {
    const fast = await this.#decodeFast(image, header, target);
    if (fast !== null) {
      this.#onDecoded("libjpeg-turbo");
      return fast;
    }
    const tensor = await this.#sharp.decode(image, header, target);
    this.#onDecoded("sharp");
    return tensor;
  }

  /**
   * Null where it is for sharp to say. libjpeg-turbo stops at every warning, and some of what it warns about is
   * odd but whole: a few bytes too many, a scan header that some phones write. So what is taken and what is
   * refused does not depend on who decodes.
   */
  async #decodeFast(
    image: EncodedImage,
    header: ImageHeader,
    target: DecodeTarget,
  ): Promise<ImageTensor | null> {
    if (this.#turbo === null || header.width * header.height > this.#maxPixels) return null;
    const shrink = turboShrink(header, target);
    if (shrink === null) return null;
    try {
      return await this.#turbo.decode(image, header, shrink);
    } catch {
      return null;
    }
  }
}
