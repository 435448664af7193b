import type { ImageTensor, Quality, QualityIssue } from "./image.ts";

/** Points looked at along each side. */
const GRID = 48;
/** Sharpness is measured at the scale that the picture has when its shorter side is this many pixels. */
const SCALE_SIDE = 256;
/** What the ratio of the variances of Laplacian and luma is at sharpness 0 and 1, as powers of ten. */
const RATIO_AT_0 = -3;
const RATIO_AT_1 = 1;

/**
 * Beyond these a photograph has an issue. Chosen on 2,479 leaf photographs of 256 x 256 pixels
 * (`bun test/golden/quality-thresholds.ts <folder>` prints the figures of any folder):
 *
 * | photographs       | sharpness 1% / median / 99% | brightness 1% / median / 99% | flagged            |
 * |-------------------|-----------------------------|------------------------------|--------------------|
 * | as they are       | 0.50 / 0.84 / 0.99          | 0.35 / 0.48 / 0.63           | blurred 0.1%       |
 * | blurred, sigma 2  | 0.09 / 0.21 / 0.32          |                              | blurred 100.0%     |
 * | blurred, sigma 4  | 0.00 / 0.03 / 0.19          |                              | blurred 100.0%     |
 * | darkened x 0.15   | 0.53 / 0.84 / 0.99          | 0.05 / 0.07 / 0.09           | too_dark 100.0%    |
 * | brightened x 2.2  | 0.55 / 0.82 / 0.97          | 0.78 / 0.91 / 0.98           | too_bright 41.7%   |
 */
export const QUALITY_THRESHOLDS = {
  blurredBelow: 0.4,
  tooDarkBelow: 0.12,
  tooBrightAbove: 0.92,
} as const;

/**
 * A look at the photograph itself: 2,304 points of it, nothing allocated but the answer, well under 0.1 ms.
 *
 * Sharpness is the variance of the Laplacian of luma (Pech-Pacheco et al., "Diatom autofocusing in brightfield
 * microscopy", 2000) over the variance of luma, so that neither darkness nor low contrast pass for blur, on a
 * logarithmic scale. Brightness is mean luma (ITU-R BT.601 weights).
 *
 * @param targetWidth what the model takes; a tensor that is smaller comes of a photograph that is, as decoding
 *   never makes it smaller than that
 */
export function assessQuality(tensor: ImageTensor, targetWidth: number, targetHeight: number): Quality {
  const { data, width, height } = tensor;
  const step = Math.max(1, Math.round(Math.min(width, height) / SCALE_SIDE));
  let sum = 0;
  let sumOfSquares = 0;
  let edges = 0;
  let edgesOfSquares = 0;
  for (let row = 0; row < GRID; row++) {
    const y = Math.floor(((row + 0.5) * height) / GRID);
    const at = y * width;
    const above = Math.max(0, y - step) * width;
    const below = Math.min(height - 1, y + step) * width;
    for (let column = 0; column < GRID; column++) {
      const x = Math.floor(((column + 0.5) * width) / GRID);
      const centre = luma(data, at + x);
      const across = luma(data, at + Math.max(0, x - step)) + luma(data, at + Math.min(width - 1, x + step));
      const laplacian = across + luma(data, above + x) + luma(data, below + x) - 4 * centre;
      sum += centre;
      sumOfSquares += centre * centre;
      edges += laplacian;
      edgesOfSquares += laplacian * laplacian;
    }
  }

  const points = GRID * GRID;
  const lumaVariance = sumOfSquares / points - (sum / points) ** 2;
  const edgeVariance = edgesOfSquares / points - (edges / points) ** 2;
  // One level of variance more, so that a picture of one colour has no edges instead of 0 / 0.
  const ratio = Math.max(0, edgeVariance) / (Math.max(0, lumaVariance) + 1);
  const sharpness = clamp((Math.log10(ratio) - RATIO_AT_0) / (RATIO_AT_1 - RATIO_AT_0));
  const brightness = clamp(sum / points / 255);
  const tooSmall = width < targetWidth || height < targetHeight;
  return { sharpness, brightness, issues: issuesOf(sharpness, brightness, tooSmall) };
}

function issuesOf(sharpness: number, brightness: number, tooSmall: boolean): QualityIssue[] {
  const issues: QualityIssue[] = [];
  if (brightness < QUALITY_THRESHOLDS.tooDarkBelow) issues.push("too_dark");
  if (brightness > QUALITY_THRESHOLDS.tooBrightAbove) issues.push("too_bright");
  if (sharpness < QUALITY_THRESHOLDS.blurredBelow) issues.push("blurred");
  if (tooSmall) issues.push("too_small");
  return issues;
}

/** Luma of one pixel, 0..255. */
function luma(data: Uint8Array, pixel: number): number {
  const at = pixel * 3;
  return 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
