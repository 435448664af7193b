import type { Manifest } from "../model-repository/manifest.ts";

/**
 * Resampling of u8 RGB pixels, bit for bit what Pillow's `Image.resize(size, filter, box=box)` gives: the same
 * windows and weights (widened by the scale when shrinking, so antialiased), 22-bit fixed point, rows first,
 * the intermediate rounded to u8. Networks are trained on pixels that Pillow resized, so this is what they know.
 * Source: https://github.com/python-pillow/Pillow/blob/13.0.0/src/libImaging/Resample.c
 */
export type Interpolation = Manifest["resize"]["interpolation"];

/** Bits behind the point of a weight, as Pillow's PRECISION_BITS: 32 less 8 for a pixel, 2 for overshoot. */
const WEIGHT_BITS = 22;
const HALF = 1 << (WEIGHT_BITS - 1);

/** Which source pixels make one target pixel along one axis, and with which weights. */
export interface Taps {
  /** [target]: first source pixel. */
  start: Int32Array;
  /** [target]: how many follow, itself included. */
  count: Int32Array;
  /** [target, stride], 22-bit fixed point, unused places 0. */
  weights: Int32Array;
  stride: number;
  /** When every target pixel is one source pixel, in their order: the first of them. Otherwise null. */
  copyFrom: number | null;
}

const FILTERS: Record<
  Exclude<Interpolation, "nearest">,
  { support: number; weight: (x: number) => number }
> = {
  bilinear: {
    support: 1,
    weight: (x) => Math.max(0, 1 - Math.abs(x)),
  },
  bicubic: {
    support: 2,
    // Keys' cubic with a = -0.5.
    weight(x) {
      const a = -0.5;
      const t = Math.abs(x);
      if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
      if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
      return 0;
    },
  },
  lanczos: {
    support: 3,
    weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0),
  },
};

function sinc(x: number): number {
  if (x === 0) return 1;
  const t = x * Math.PI;
  return Math.sin(t) / t;
}

/**
 * Taps that map the part [from, to) of an axis with `sourceSize` pixels onto `targetSize` pixels.
 * @param from fractions of a pixel are allowed, 0 <= from < to <= sourceSize
 */
export function makeTaps(
  interpolation: Interpolation,
  sourceSize: number,
  from: number,
  to: number,
  targetSize: number,
): Taps {
  // Pillow keeps the box in 32-bit floats.
  const first = Math.fround(from);
  const length = Math.fround(Math.fround(to) - first);
  const scale = length / targetSize;
  const copyFrom = length === targetSize && Number.isInteger(first) ? first : null;
  if (interpolation === "nearest") return nearestTaps(sourceSize, first, scale, targetSize, copyFrom);

  const { support: unscaledSupport, weight } = FILTERS[interpolation];
  const filterScale = Math.max(scale, 1);
  const support = unscaledSupport * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const taps = emptyTaps(targetSize, stride, copyFrom);
  const exact = new Float64Array(stride);
  for (let x = 0; x < targetSize; x++) {
    const center = first + (x + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(sourceSize, Math.trunc(center + support + 0.5)) - start;
    let total = 0;
    for (let k = 0; k < count; k++) {
      const w = weight((k + start - center + 0.5) * (1 / filterScale));
      exact[k] = w;
      total += w;
    }
    taps.start[x] = start;
    taps.count[x] = count;
    for (let k = 0; k < count; k++) {
      const w = (total === 0 ? exact[k]! : exact[k]! / total) * (1 << WEIGHT_BITS);
      taps.weights[x * stride + k] = Math.trunc(w < 0 ? w - 0.5 : w + 0.5);
    }
  }
  return taps;
}

function nearestTaps(
  sourceSize: number,
  first: number,
  scale: number,
  targetSize: number,
  copyFrom: number | null,
): Taps {
  const taps = emptyTaps(targetSize, 1, copyFrom);
  // Added up rather than multiplied, as Pillow does: on exact halves the two can differ by a pixel.
  let center = first + scale * 0.5;
  for (let x = 0; x < targetSize; x++, center += scale) {
    taps.start[x] = Math.min(sourceSize - 1, Math.trunc(center));
    taps.count[x] = 1;
    taps.weights[x] = 1 << WEIGHT_BITS;
  }
  return taps;
}

function emptyTaps(targetSize: number, stride: number, copyFrom: number | null): Taps {
  return {
    start: new Int32Array(targetSize),
    count: new Int32Array(targetSize),
    weights: new Int32Array(targetSize * stride),
    stride,
    copyFrom,
  };
}

/** u8 RGB pixels: row 0 begins at `offset`, each next one `pitch` bytes on. Rows that are not there are not read. */
export interface Pixels {
  data: Uint8Array;
  offset: number;
  pitch: number;
}

/** Resamples the rows [firstRow, endRow) along their length; writes `target`, [endRow - firstRow, taps, 3]. */
export function resampleWidth(
  { data, offset, pitch }: Pixels,
  firstRow: number,
  endRow: number,
  { start, count, weights, stride }: Taps,
  target: Uint8Array,
): void {
  const width = start.length;
  let out = 0;
  for (let row = firstRow; row < endRow; row++) {
    const rowAt = offset + row * pitch;
    for (let x = 0; x < width; x++) {
      let at = rowAt + start[x]! * 3;
      let w = x * stride;
      const end = w + count[x]!;
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      for (; w < end; w++, at += 3) {
        const weight = weights[w]!;
        red = (red + Math.imul(data[at]!, weight)) | 0;
        green = (green + Math.imul(data[at + 1]!, weight)) | 0;
        blue = (blue + Math.imul(data[at + 2]!, weight)) | 0;
      }
      target[out] = clip(red >> WEIGHT_BITS);
      target[out + 1] = clip(green >> WEIGHT_BITS);
      target[out + 2] = clip(blue >> WEIGHT_BITS);
      out += 3;
    }
  }
}

/** Resamples columns, `length` bytes of every row; writes `target`, [taps, length]. */
export function resampleHeight(
  { data, offset, pitch }: Pixels,
  length: number,
  { start, count, weights, stride }: Taps,
  target: Uint8Array,
): void {
  const height = start.length;
  for (let y = 0; y < height; y++) {
    const from = offset + start[y]! * pitch;
    const firstWeight = y * stride;
    const end = firstWeight + count[y]!;
    const out = y * length;
    for (let i = 0; i < length; i++) {
      let at = from + i;
      let sum = HALF;
      for (let w = firstWeight; w < end; w++, at += pitch) {
        sum = (sum + Math.imul(data[at]!, weights[w]!)) | 0;
      }
      target[out + i] = clip(sum >> WEIGHT_BITS);
    }
  }
}

/** Filters with negative weights overshoot. */
function clip(value: number): number {
  return Math.max(0, Math.min(255, value));
}
