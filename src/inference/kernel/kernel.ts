import { readFileSync } from "node:fs";
import type { Fit } from "../fit.ts";
import type { Pixels, Taps } from "../resample.ts";

/** What kernel.assembly.ts exports. Every argument is an address, a number of bytes or a count. */
interface Exports {
  resampleWidth(
    source: number,
    pitch: number,
    rows: number,
    taps: number,
    pairs: number,
    width: number,
    target: number,
    targetPitch: number,
  ): void;
  resampleHeight(
    source: number,
    pitch: number,
    length: number,
    taps: number,
    pairs: number,
    height: number,
    target: number,
    targetPitch: number,
  ): void;
  normalize(
    source: number,
    pitch: number,
    width: number,
    height: number,
    levels: number,
    red: number,
    green: number,
    blue: number,
    pixel: number,
    row: number,
  ): void;
}

/** Where normalised pixels go, all numbers in elements. */
export interface Planes {
  /** First elements of red, green and blue. */
  channels: readonly [number, number, number];
  pixel: number;
  row: number;
}

const PAGE_BYTES = 64 * 1024;
/**
 * How far loops go past the end of what they were given, beside the taps that are filled up with weight 0: what
 * they read there is multiplied by 0 or passed over, what they write there is written again or never read.
 */
const SLACK_ROWS = 4;
const SLACK_BYTES = 64;

/**
 * The WebAssembly SIMD side of resample.ts, result for result the same, on memory of a fixed size: what the
 * network reads lies in it, so nothing is copied once it has been computed. Memory that was never written
 * costs no RAM.
 */
export class Kernel {
  readonly #exports: Exports;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #levelsAt = 0;
  readonly #inputAt = 3 * 256 * 4;
  readonly #scratchAt: number;
  /** Whose taps are in the scratch. */
  #placed: { fit: Fit; columns: Placed; rows: Placed; end: number } | null = null;

  /** @param inputBytes of the network's input; @param scratchBytes for one picture on its way there */
  constructor(inputBytes: number, scratchBytes: number) {
    this.#scratchAt = aligned(this.#inputAt + inputBytes);
    const pages = Math.ceil((this.#scratchAt + scratchBytes) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const bytes = readFileSync(new URL("kernel.wasm", import.meta.url));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    this.#exports = instance.exports as unknown as Exports;
    this.#bytes = new Uint8Array(memory.buffer);
  }

  /** The memory of the network's input; where it begins in it. */
  get input(): { buffer: ArrayBuffer; byteOffset: number } {
    return { buffer: this.#bytes.buffer, byteOffset: this.#inputAt };
  }

  /** @param levels [3, 256] float32, red, green, blue: what `normalize` makes of each level */
  setLevels(levels: Float32Array): void {
    new Float32Array(this.#bytes.buffer, this.#levelsAt, levels.length).set(levels);
  }

  /**
   * Fits a picture, u8 RGB [height, width, 3] without gaps.
   * @returns the fitted pixels in the kernel's own memory, valid until the next call; null where the picture does
   *   not fit into the scratch
   */
  resample(data: Uint8Array, width: number, fit: Fit): Pixels | null {
    const placed = this.#place(fit);
    if (placed === null) return null;
    const { columns, rows, end } = placed;
    const pitch = width * 3;
    const { firstRow, endRow } = fit;
    const [fittedWidth, fittedHeight] = [fit.columns.start.length, fit.rows.start.length];
    const sourceBytes = (endRow - firstRow) * pitch;
    const slackRows = SLACK_ROWS + 2 * rows.pairs;
    const slackBytes = SLACK_BYTES + 6 * columns.pairs;
    const betweenAt = aligned(end + sourceBytes + slackRows * pitch + slackBytes);
    const betweenPitch = targetPitch(fit.heightFirst ? pitch : fittedWidth * 3);
    const betweenRows = fit.heightFirst ? fittedHeight : endRow - firstRow;
    const targetAt = aligned(betweenAt + (betweenRows + slackRows) * betweenPitch + slackBytes);
    const targetEnd = targetAt + (fittedHeight + SLACK_ROWS) * targetPitch(fittedWidth * 3) + SLACK_BYTES;
    if (targetEnd > this.#bytes.length) return null;

    this.#bytes.set(data.subarray(firstRow * pitch, endRow * pitch), end);
    const source = { offset: end - firstRow * pitch, pitch };
    let fitted: Omit<Pixels, "data">;
    if (fit.heightFirst) {
      const between = this.#toHeight(source, pitch, rows, betweenAt);
      fitted = this.#toWidth(between, 0, fittedHeight, columns, targetAt);
    } else {
      const between = this.#toWidth(source, firstRow, endRow, columns, betweenAt);
      fitted = this.#toHeight(between, fittedWidth * 3, rows, targetAt);
    }
    return { data: this.#bytes, ...fitted };
  }

  /** Writes what `resample` returned to the network's input from element `start` on, through the levels. */
  normalize(
    pixels: Omit<Pixels, "data">,
    width: number,
    height: number,
    start: number,
    { channels, pixel, row }: Planes,
  ): void {
    const address = (channel: number) => this.#inputAt + (start + channel) * 4;
    this.#exports.normalize(
      pixels.offset,
      pixels.pitch,
      width,
      height,
      this.#levelsAt,
      address(channels[0]),
      address(channels[1]),
      address(channels[2]),
      pixel * 4,
      row * 4,
    );
  }

  #toWidth(
    source: Omit<Pixels, "data">,
    firstRow: number,
    endRow: number,
    { taps, at, pairs }: Placed,
    target: number,
  ) {
    // What maps pixel to pixel is read where it is.
    if (taps.copyFrom !== null) return { ...source, offset: source.offset + taps.copyFrom * 3 };
    const width = taps.start.length;
    const from = source.offset + firstRow * source.pitch;
    const pitch = targetPitch(width * 3);
    this.#exports.resampleWidth(from, source.pitch, endRow - firstRow, at, pairs, width, target, pitch);
    return { offset: target - firstRow * pitch, pitch };
  }

  #toHeight(source: Omit<Pixels, "data">, length: number, { taps, at, pairs }: Placed, target: number) {
    if (taps.copyFrom !== null) return { ...source, offset: source.offset + taps.copyFrom * source.pitch };
    const pitch = targetPitch(length);
    this.#exports.resampleHeight(
      source.offset,
      source.pitch,
      length,
      at,
      pairs,
      taps.start.length,
      target,
      pitch,
    );
    return { offset: target, pitch };
  }

  /** Taps of both axes at the beginning of the scratch; null where they do not fit into it. */
  #place(fit: Fit) {
    if (this.#placed?.fit === fit) return this.#placed;
    const [columnRecords, rowRecords] = [records(fit.columns, 2), records(fit.rows, 1)];
    const columnsAt = this.#scratchAt;
    const rowsAt = aligned(columnsAt + columnRecords.data.byteLength);
    const end = aligned(rowsAt + rowRecords.data.byteLength);
    if (end > this.#bytes.length) return null;
    new Int32Array(this.#bytes.buffer, columnsAt).set(columnRecords.data);
    new Int32Array(this.#bytes.buffer, rowsAt).set(rowRecords.data);
    this.#placed = {
      fit,
      columns: { taps: fit.columns, at: columnsAt, pairs: columnRecords.pairs },
      rows: { taps: fit.rows, at: rowsAt, pairs: rowRecords.pairs },
      end,
    };
    return this.#placed;
  }
}

/** Taps of one axis in the kernel's memory. */
interface Placed {
  taps: Taps;
  at: number;
  pairs: number;
}

/** As kernel.assembly.ts reads them, the number of pairs a multiple of `multiple`. */
function records({ start, count, weights, stride }: Taps, multiple: number) {
  const most = count.reduce((larger, one) => Math.max(larger, one), 1);
  const pairs = Math.ceil(most / (2 * multiple)) * multiple;
  const data = new Int32Array(start.length * (1 + 2 * pairs));
  let at = 0;
  for (let target = 0; target < start.length; target++) {
    data[at++] = start[target]!;
    for (let pair = 0; pair < pairs; pair++) {
      const weight = (tap: number) => (tap < count[target]! ? weights[target * stride + tap]! : 0);
      const [first, second] = [weight(2 * pair), weight(2 * pair + 1)];
      data[at++] = (first & 0x7fff) | ((second & 0x7fff) << 16);
      data[at++] = ((first >> 15) & 0xffff) | ((second >> 15) << 16);
    }
  }
  return { data, pairs };
}

/** From one row of `length` bytes to the next: loops write 16 bytes at a time, and one too many. */
const targetPitch = (length: number) => aligned(length + 1);
const aligned = (address: number) => Math.ceil(address / 16) * 16;
