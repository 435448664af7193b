import { bilinearTaps, type TapRecords } from "./taps.ts";
import type { Size, TurboJpeg } from "./turbo-jpeg.ts";

/** The product's own kernel, as data. */
const KERNEL = new URL("../../../src/inference/kernel/kernel.wasm", import.meta.url);

/** What of kernel.wasm is called; see src/inference/kernel/kernel.assembly.ts. */
interface Kernel {
  resampleWidth(...args: number[]): void;
  resampleHeight(...args: number[]): void;
  normalize(...args: number[]): void;
}

/** What a manifest says of a model's input. */
export interface InputManifest {
  input: { name: string; dtype: string; layout: string; width: number; height: number; color: string };
  resize: { fit: string; crop: number; interpolation: string };
  normalize: { scale: number; mean: number[]; std: number[] };
}

interface Plan {
  /** Of the photographs that it is for. */
  size: Size;
  eighths: number;
  decoded: Size;
  /** Source pixels left of the square that is kept, and above it. */
  columns: TapRecords & { at: number };
  rows: TapRecords & { at: number };
  pixelsAt: number;
  betweenAt: number;
  fittedAt: number;
}

const PAGE_BYTES = 64 * 1024;
const SCRATCH_BYTES = 32 * 1024 * 1024;
/** The kernel goes a little past the end of what it was given, beside the taps that are filled up. */
const SLACK_BYTES = 64;
const SLACK_ROWS = 4;
const LEVELS_AT = 0;
const INPUT_AT = 3 * 256 * 4;
/** Times the wanted size that a picture scaled while decoding must still have. */
const LEAST_TIMES = 2;

/**
 * JPEG to the model's input on one thread: libjpeg-turbo writes into the kernel's memory, the kernel resizes and
 * normalises to where the session reads. The same pixels as the server's, to the bit, with nothing in between.
 */
export class BarePreprocessor {
  /** [1, 3, height, width] */
  readonly input: Float32Array;
  readonly #turbo: TurboJpeg;
  readonly #side: Size;
  readonly #kernel: Kernel;
  readonly #bytes: Uint8Array;
  #planned: Plan | null = null;

  /** @throws Error for a model that is fitted in another way than cover, bilinear, float32 NCHW RGB */
  static async open(manifest: InputManifest, turbo: TurboJpeg): Promise<BarePreprocessor> {
    const { input, resize } = manifest;
    const way = [resize.fit, resize.crop, resize.interpolation, input.dtype, input.layout, input.color].join(
      " ",
    );
    if (way !== "cover 1 bilinear float32 NCHW RGB") throw new Error(`the bare loop cannot do ${way}`);
    const module = await WebAssembly.compile(await Bun.file(KERNEL).arrayBuffer());
    const floats = input.width * input.height * 3;
    const pages = Math.ceil((INPUT_AT + floats * 4 + SCRATCH_BYTES) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    return new BarePreprocessor(manifest, turbo, exports as unknown as Kernel, memory);
  }

  private constructor(
    { input, normalize }: InputManifest,
    turbo: TurboJpeg,
    kernel: Kernel,
    memory: WebAssembly.Memory,
  ) {
    this.#turbo = turbo;
    this.#kernel = kernel;
    this.#side = { width: input.width, height: input.height };
    this.#bytes = new Uint8Array(memory.buffer);
    this.input = new Float32Array(memory.buffer, INPUT_AT, input.width * input.height * 3);
    const levels = new Float32Array(memory.buffer, LEVELS_AT, 3 * 256);
    const { scale, mean, std } = normalize;
    for (let i = 0; i < levels.length; i++) {
      levels[i] = ((i % 256) * scale - mean[i >> 8]!) / std[i >> 8]!;
    }
  }

  /** Makes one photograph the model's input. */
  write(jpeg: Uint8Array): void {
    const plan = this.#plan(this.#turbo.size(jpeg));
    const { decoded, columns, rows, pixelsAt, betweenAt, fittedAt } = plan;
    const { width, height } = this.#side;
    const pitch = decoded.width * 3;
    this.#turbo.decode(jpeg, plan.eighths, this.#bytes.subarray(pixelsAt, pixelsAt + decoded.height * pitch));
    const kernel = this.#kernel;
    const fittedPitch = targetPitch(width * 3);
    kernel.resampleWidth(
      pixelsAt,
      pitch,
      decoded.height,
      columns.at,
      columns.pairs,
      width,
      betweenAt,
      fittedPitch,
    );
    kernel.resampleHeight(
      betweenAt,
      fittedPitch,
      width * 3,
      rows.at,
      rows.pairs,
      height,
      fittedAt,
      fittedPitch,
    );
    const plane = width * height * 4;
    const [red, green, blue] = [INPUT_AT, INPUT_AT + plane, INPUT_AT + 2 * plane];
    kernel.normalize(fittedAt, fittedPitch, width, height, LEVELS_AT, red, green, blue, 4, width * 4);
  }

  /** One plan at a time: the taps of all begin at the same place. */
  #plan(size: Size): Plan {
    if (this.#planned?.size.width !== size.width || this.#planned.size.height !== size.height) {
      this.#planned = this.#place(size);
    }
    return this.#planned;
  }

  #place(size: Size): Plan {
    const { width, height } = this.#side;
    const times = Math.min(size.width / width, size.height / height);
    const eighths = [1, 2, 4].find((scale) => (times * scale) / 8 >= LEAST_TIMES) ?? 8;
    const decoded = {
      width: Math.ceil((size.width * eighths) / 8),
      height: Math.ceil((size.height * eighths) / 8),
    };
    const shrink = Math.min(decoded.width / width, decoded.height / height);
    const box = { width: width * shrink, height: height * shrink };
    const taps = {
      columns: bilinearTaps(decoded.width, (decoded.width - box.width) / 2, box.width, width, 2),
      rows: bilinearTaps(decoded.height, (decoded.height - box.height) / 2, box.height, height, 1),
    };
    const columnsAt = aligned(INPUT_AT + this.input.byteLength);
    const rowsAt = aligned(columnsAt + taps.columns.data.byteLength);
    const pixelsAt = aligned(rowsAt + taps.rows.data.byteLength);
    const pitch = targetPitch(width * 3);
    const slackRows = SLACK_ROWS + 2 * taps.rows.pairs;
    const slackBytes = SLACK_BYTES + 6 * taps.columns.pairs;
    const betweenAt = aligned(pixelsAt + (decoded.height + slackRows) * decoded.width * 3 + slackBytes);
    const fittedAt = aligned(betweenAt + (decoded.height + slackRows) * pitch + slackBytes);
    if (fittedAt + (height + SLACK_ROWS) * pitch + SLACK_BYTES > this.#bytes.length) {
      throw new RangeError("a photograph larger than the bare loop's memory");
    }
    new Int32Array(this.#bytes.buffer, columnsAt).set(taps.columns.data);
    new Int32Array(this.#bytes.buffer, rowsAt).set(taps.rows.data);
    const columns = { ...taps.columns, at: columnsAt };
    const rows = { ...taps.rows, at: rowsAt };
    return { size, eighths, decoded, columns, rows, pixelsAt, betweenAt, fittedAt };
  }
}

/** From one row of `length` bytes to the next, for the kernel to write. */
const targetPitch = (length: number) => aligned(length + 1);
const aligned = (address: number) => Math.ceil(address / 16) * 16;
