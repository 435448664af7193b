/** Bits behind the point of a weight, as Pillow has them. */
const WEIGHT_BITS = 22;

/** Taps of one axis, as the kernel reads them: see src/inference/kernel/kernel.assembly.ts. */
export interface TapRecords {
  data: Int32Array;
  /** Taps of one target pixel, two by two, filled up with weight 0. */
  pairs: number;
}

/**
 * Pillow's bilinear filter, widened by the scale when shrinking, from the part [from, from + length) of an axis of
 * `source` pixels to `target` pixels.
 * @param multiple of which the number of pairs is one
 * @see https://github.com/python-pillow/Pillow/blob/13.0.0/src/libImaging/Resample.c
 */
export function bilinearTaps(
  source: number,
  from: number,
  length: number,
  target: number,
  multiple: number,
): TapRecords {
  const scale = length / target;
  const support = Math.max(scale, 1);
  const windows = Array.from({ length: target }, (_, x) => {
    const center = from + (x + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(source, Math.trunc(center + support + 0.5));
    const exact = Array.from({ length: end - start }, (_, tap) =>
      Math.max(0, 1 - Math.abs((start + tap - center + 0.5) / support)),
    );
    const total = exact.reduce((sum, weight) => sum + weight, 0);
    return { start, weights: exact.map((weight) => Math.trunc((weight / total) * 2 ** WEIGHT_BITS + 0.5)) };
  });
  const most = Math.max(...windows.map(({ weights }) => weights.length));
  const pairs = Math.ceil(most / (2 * multiple)) * multiple;
  const data = windows.flatMap(({ start, weights }) => [
    start,
    ...Array.from({ length: pairs }, (_, pair) =>
      packed(weights[2 * pair] ?? 0, weights[2 * pair + 1] ?? 0),
    ).flat(),
  ]);
  return { data: Int32Array.from(data), pairs };
}

/** Low 15 bits of both, high bits of both. */
function packed(first: number, second: number): [number, number] {
  return [(first & 0x7fff) | ((second & 0x7fff) << 16), ((first >> 15) & 0xffff) | ((second >> 15) << 16)];
}
