import type { Manifest } from "../model-repository/manifest.ts";
import { makeTaps, type Taps } from "./resample.ts";

/** How a picture of one size becomes a model's input; the sizes and the manifest alone decide it. */
export interface Fit {
  /** From source columns to fitted columns. */
  columns: Taps;
  /** From source rows to fitted rows. */
  rows: Taps;
  /** Source rows that are read at all: [firstRow, endRow). */
  firstRow: number;
  endRow: number;
  /** Whether the height is resampled before the width: the two orders round differently by a level. */
  heightFirst: boolean;
  /** Where the fitted picture lies in the model's input; the rest is border. */
  left: number;
  top: number;
}

/** @throws RangeError never: every picture of at least one pixel fits */
export function makeFit(
  { input, resize }: Pick<Manifest, "input" | "resize">,
  width: number,
  height: number,
): Fit {
  const { fit, crop, interpolation } = resize;
  let boxWidth = width;
  let boxHeight = height;
  let fittedWidth = input.width;
  let fittedHeight = input.height;
  if (fit === "cover") {
    const aspect = input.width / input.height;
    if (width / height >= aspect) boxWidth = aspect * height;
    else boxHeight = width / aspect;
  } else if (fit === "contain") {
    const scale = Math.min(input.width / width, input.height / height);
    fittedWidth = Math.min(input.width, Math.max(1, Math.round(width * scale)));
    fittedHeight = Math.min(input.height, Math.max(1, Math.round(height * scale)));
  }
  boxWidth = Math.min(width, boxWidth * crop);
  boxHeight = Math.min(height, boxHeight * crop);
  const left = (width - boxWidth) / 2;
  const top = (height - boxHeight) / 2;

  const columns = makeTaps(interpolation, width, left, left + boxWidth, fittedWidth);
  const rows = makeTaps(interpolation, height, top, top + boxHeight, fittedHeight);
  const last = fittedHeight - 1;
  const lostRows = height - fittedHeight;
  return {
    columns,
    rows,
    firstRow: rows.start[0]!,
    endRow: rows.start[last]! + rows.count[last]!,
    // Pillow's rule since version 13.
    heightFirst: lostRows > 0 && lostRows > (width - fittedWidth) * 2,
    left: Math.floor((input.width - fittedWidth) / 2),
    top: Math.floor((input.height - fittedHeight) / 2),
  };
}
