import { PinholeError } from "../errors.ts";
import type { Manifest } from "../model-repository/manifest.ts";
import { type Fit, makeFit } from "./fit.ts";
import type { ImageTensor } from "./image.ts";
import { Kernel, type Planes } from "./kernel/kernel.ts";
import { type Pixels, resampleHeight, resampleWidth } from "./resample.ts";

/** Memory of a model's input. float16 values are held as their bits. */
export type InputMemory = Float32Array | Uint16Array | Uint8Array;

const FITS_KEPT = 32;
/** Scratch of the kernel, beside a byte for every level of an input: what decoding gives fits but for strips. */
const KERNEL_SCRATCH_TIMES = 40;
const KERNEL_SCRATCH_MIN_BYTES = 1024 * 1024;
const KERNEL_SCRATCH_MAX_BYTES = 128 * 1024 * 1024;
const SCRATCH_BYTES_KEPT = 4 * 1024 * 1024;
const BLACK = [0, 0, 0] as const;

/**
 * Turns image tensors into one model's input: fitted, cropped, normalised, in the model's layout, colour order
 * and dtype, written straight into the memory that the session reads. Resizing is Pillow's, to the bit.
 *
 * - `cover`: the largest part around the centre with the input's shape, shrunk by `crop`; fractions of a pixel count.
 * - `contain`: the whole picture, its sides rounded to whole pixels, centred (an odd pixel of border goes right and
 *   below) on `background`.
 * - `stretch`: the whole picture, shrunk by `crop` around its centre, its shape given up.
 *
 * Not safe for two rows at once: scratch memory is reused from row to row.
 */
export class Preprocessor {
  readonly #manifest: Pick<Manifest, "input" | "resize">;
  /** [3, 256]: what each level of red, green and blue becomes. */
  readonly #levels: InputMemory;
  readonly #planes: Planes;
  readonly #kernel: Kernel | null;
  readonly #fits = new Map<string, Fit>();
  #widthScratch = new Uint8Array(0);
  #heightScratch = new Uint8Array(0);

  /** Elements of one row: width * height * 3. */
  readonly rowLength: number;
  /** What the session reads: [rows, 3, height, width] or [rows, height, width, 3]. */
  readonly input: InputMemory;

  /**
   * @param rows that the input holds
   * @param options.kernel whether pictures go through WebAssembly SIMD, as far as they fit into its memory, or all
   * through plain TypeScript; the result is the same
   */
  constructor(
    manifest: Pick<Manifest, "input" | "resize" | "normalize">,
    rows: number,
    options: { kernel: boolean } = { kernel: true },
  ) {
    this.#manifest = manifest;
    const { width, height, layout, color } = manifest.input;
    this.rowLength = width * height * 3;
    this.#levels = normalizedLevels(manifest);
    const [pixel, row, channel] = layout === "NCHW" ? [1, width, width * height] : [3, width * 3, 1];
    this.#planes = {
      channels: color === "RGB" ? [0, channel, 2 * channel] : [2 * channel, channel, 0],
      pixel,
      row,
    };
    const length = rows * this.rowLength;
    const bytes = length * this.#levels.BYTES_PER_ELEMENT;
    this.#kernel = options.kernel ? new Kernel(bytes, scratchBytes(this.rowLength)) : null;
    if (this.#levels instanceof Float32Array) this.#kernel?.setLevels(this.#levels);
    const { buffer, byteOffset } = this.#kernel?.input ?? new Uint8Array(bytes);
    if (this.#levels instanceof Float32Array) this.input = new Float32Array(buffer, byteOffset, length);
    else if (this.#levels instanceof Uint16Array) this.input = new Uint16Array(buffer, byteOffset, length);
    else this.input = new Uint8Array(buffer, byteOffset, length);
  }

  /**
   * Writes `image` as row `row` of the input.
   * @throws PinholeError INFERENCE_FAILED when the tensor is not [height, width, 3]
   */
  write(image: ImageTensor, row: number): void {
    const { data, width, height } = image;
    if (!(width >= 1 && height >= 1) || data.length !== width * height * 3) {
      throw new PinholeError("INFERENCE_FAILED", "The decoded image was not whole.", {
        cause: `image tensor of ${data.length} bytes for ${width} x ${height} x 3`,
      });
    }
    const at = row * this.rowLength;
    const fit = this.#fit(width, height);
    const fittedWidth = fit.columns.start.length;
    const fittedHeight = fit.rows.start.length;
    if (fittedWidth * fittedHeight * 3 < this.rowLength) this.#fillBorder(at);

    const start = at + fit.top * this.#planes.row + fit.left * this.#planes.pixel;
    const inKernel = this.#kernel?.resample(data, width, fit) ?? null;
    if (inKernel === null)
      this.#normalize(this.#resample(data, width, fit), fittedWidth, fittedHeight, start);
    else if (this.input.BYTES_PER_ELEMENT !== 4) this.#normalize(inKernel, fittedWidth, fittedHeight, start);
    else this.#kernel!.normalize(inKernel, fittedWidth, fittedHeight, start, this.#planes);
    this.#trimScratch();
  }

  #resample(data: Uint8Array, width: number, fit: Fit): Pixels {
    const source = { data, offset: 0, pitch: width * 3 };
    if (fit.heightFirst)
      return this.#toWidth(this.#toHeight(source, width, fit), 0, fit.rows.start.length, fit);
    return this.#toHeight(
      this.#toWidth(source, fit.firstRow, fit.endRow, fit),
      fit.columns.start.length,
      fit,
    );
  }

  #toWidth(source: Pixels, firstRow: number, endRow: number, { columns }: Fit): Pixels {
    // What maps pixel to pixel is read where it is.
    if (columns.copyFrom !== null) return { ...source, offset: source.offset + columns.copyFrom * 3 };
    const pitch = columns.start.length * 3;
    const bytes = (endRow - firstRow) * pitch;
    if (this.#widthScratch.length < bytes) this.#widthScratch = new Uint8Array(bytes);
    resampleWidth(source, firstRow, endRow, columns, this.#widthScratch);
    return { data: this.#widthScratch, offset: -firstRow * pitch, pitch };
  }

  #toHeight(source: Pixels, columns: number, { rows }: Fit): Pixels {
    if (rows.copyFrom !== null) return { ...source, offset: source.offset + rows.copyFrom * source.pitch };
    const pitch = columns * 3;
    const bytes = rows.start.length * pitch;
    if (this.#heightScratch.length < bytes) this.#heightScratch = new Uint8Array(bytes);
    resampleHeight(source, pitch, rows, this.#heightScratch);
    return { data: this.#heightScratch, offset: 0, pitch };
  }

  /** Memory for one unusually large picture is not held on to. */
  #trimScratch(): void {
    if (this.#widthScratch.length > SCRATCH_BYTES_KEPT) this.#widthScratch = new Uint8Array(0);
    if (this.#heightScratch.length > SCRATCH_BYTES_KEPT) this.#heightScratch = new Uint8Array(0);
  }

  /** u8 RGB, [height, width, 3], into the input from element `start` on. */
  #normalize({ data: source, offset, pitch }: Pixels, width: number, height: number, start: number): void {
    const { input } = this;
    const levels = this.#levels;
    const { channels, pixel, row } = this.#planes;
    const [redAt, greenAt, blueAt] = [start + channels[0], start + channels[1], start + channels[2]];
    for (let y = 0; y < height; y++) {
      let at = offset + y * pitch;
      let out = y * row;
      for (let x = 0; x < width; x++, at += 3, out += pixel) {
        input[redAt + out] = levels[source[at]!]!;
        input[greenAt + out] = levels[256 + source[at + 1]!]!;
        input[blueAt + out] = levels[512 + source[at + 2]!]!;
      }
    }
  }

  #fillBorder(at: number): void {
    const { width, height } = this.#manifest.input;
    const pixel = Uint8Array.from(this.#manifest.resize.background ?? BLACK);
    // A pitch of 0 reads the one row of border colour again and again.
    const border = new Uint8Array(width * 3);
    for (let x = 0; x < width; x++) border.set(pixel, x * 3);
    this.#normalize({ data: border, offset: 0, pitch: 0 }, width, height, at);
  }

  #fit(width: number, height: number): Fit {
    const key = `${width}x${height}`;
    const known = this.#fits.get(key);
    if (known) {
      // Set anew, so that the one longest unused is the first to go.
      this.#fits.delete(key);
      this.#fits.set(key, known);
      return known;
    }
    const fit = makeFit(this.#manifest, width, height);
    this.#fits.set(key, fit);
    if (this.#fits.size > FITS_KEPT) this.#fits.delete(this.#fits.keys().next().value!);
    return fit;
  }
}

function scratchBytes(rowLength: number): number {
  const bytes = KERNEL_SCRATCH_MIN_BYTES + KERNEL_SCRATCH_TIMES * rowLength;
  return Math.min(KERNEL_SCRATCH_MAX_BYTES, bytes);
}

/** [3, 256], red, green, blue: (level * scale - mean) / std in the input's dtype. */
function normalizedLevels({ input, normalize }: Pick<Manifest, "input" | "normalize">): InputMemory {
  const { scale, mean, std } = normalize;
  const exact = new Float64Array(3 * 256);
  for (let rgb = 0; rgb < 3; rgb++) {
    const channel = input.color === "RGB" ? rgb : 2 - rgb;
    for (let level = 0; level < 256; level++) {
      exact[rgb * 256 + level] = (level * scale - mean[channel]!) / std[channel]!;
    }
  }
  if (input.dtype === "uint8") return Uint8Array.from(exact);
  return input.dtype === "float32"
    ? Float32Array.from(exact)
    : new Uint16Array(Float16Array.from(exact).buffer as ArrayBuffer);
}
