import sharp, { type Sharp } from "sharp";
import { type DecoderOptions, undecodable } from "./decode.ts";
import type { DecodeTarget } from "./decode-size.ts";
import type { EncodedImage } from "./image.ts";
import type { ActivationMap } from "./messages.ts";

/** Longer side of an overlay, in pixels. */
const OVERLAY_SIDE = 224;
/** How much of the photograph the strongest point hides. */
const STRONGEST = 0.65;
const WHITE = { r: 255, g: 255, b: 255 };

/**
 * @param map [rows, columns] row by row, of any scale
 * @returns rows of 0..1 to three decimals, the strongest 1; negative and undefined values are 0, and so is all
 *   of a map without any positive one
 */
export function normaliseGrid(map: ActivationMap): number[][] {
  let most = 0;
  for (const value of map.data) if (value > most && value < Number.POSITIVE_INFINITY) most = value;
  const scale = most > 0 ? 1 / most : 0;
  return Array.from({ length: map.rows }, (_, row) =>
    Array.from({ length: map.columns }, (_, column) => {
      const value = map.data[row * map.columns + column] ?? 0;
      return value > 0 ? Math.round(Math.min(1, value * scale) * 1000) / 1000 : 0;
    }),
  );
}

/**
 * Lays the grid over what the model saw of the photograph: yellow where it looked a little, red where most.
 *
 * @param image one that was decoded before: what is wrong with it has been found by then
 * @param target how the photograph was fitted to the model; without it the grid lies over the whole of it
 * @param caps what bounded the first decoding
 * @returns data URL of a PNG of at most 224 x 224 pixels
 * @throws PinholeError INVALID_IMAGE past the caps
 */
export async function renderOverlay(
  image: EncodedImage,
  grid: number[][],
  caps: DecoderOptions,
  target?: DecodeTarget,
): Promise<string> {
  const { data, info } = await view(image.bytes, caps, target)
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((error: unknown) => {
      throw undecodable(error);
    });
  const { width, height } = info;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const heat = heatAt(grid, (x + 0.5) / width, (y + 0.5) / height);
      const at = (y * width + x) * 3;
      data[at] = mix(data[at]!, 255, heat);
      data[at + 1] = mix(data[at + 1]!, 220 * (1 - heat), heat);
      data[at + 2] = mix(data[at + 2]!, 0, heat);
    }
  }
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  const png = await picture.png({ palette: true, colours: 128, effort: 1 }).toBuffer();
  return `data:image/png;base64,${png.toString("base64")}`;
}

/** What the model saw, upright, small, RGB. */
function view(bytes: Uint8Array, caps: DecoderOptions, target: DecodeTarget | undefined): Sharp {
  const { maxPixels, timeoutMs = 0 } = caps;
  const photograph = sharp(bytes, { failOn: "none", limitInputPixels: maxPixels, pages: 1 })
    .autoOrient()
    .timeout({ seconds: Math.ceil(timeoutMs / 1000) });
  const rgb = (pipeline: Sharp) =>
    pipeline.flatten({ background: WHITE }).toColourspace("srgb").removeAlpha();
  if (target === undefined) {
    const whole = { fit: "inside", withoutEnlargement: true } as const;
    return rgb(photograph.resize(OVERLAY_SIDE, OVERLAY_SIDE, whole));
  }

  const longer = Math.max(target.width, target.height);
  const width = Math.max(1, Math.round((target.width * OVERLAY_SIDE) / longer));
  const height = Math.max(1, Math.round((target.height * OVERLAY_SIDE) / longer));
  if (target.fit === "contain") {
    const [r, g, b] = target.background ?? [0, 0, 0];
    return rgb(photograph.resize(width, height, { fit: "contain", background: { r, g, b } }));
  }
  const fittedWidth = Math.max(width, Math.round(width / target.crop));
  const fittedHeight = Math.max(height, Math.round(height / target.crop));
  const fitted = photograph.resize(fittedWidth, fittedHeight, {
    fit: target.fit === "cover" ? "cover" : "fill",
  });
  const left = Math.floor((fittedWidth - width) / 2);
  const top = Math.floor((fittedHeight - height) / 2);
  return rgb(fitted.extract({ left, top, width, height }));
}

/** The grid between its cells' centres, bilinear. `across` and `down`: 0..1 of the picture. */
function heatAt(grid: number[][], across: number, down: number): number {
  const rows = grid.length;
  const columns = grid[0]?.length ?? 0;
  if (rows === 0 || columns === 0) return 0;
  const x = Math.min(columns - 1, Math.max(0, across * columns - 0.5));
  const y = Math.min(rows - 1, Math.max(0, down * rows - 0.5));
  const left = Math.floor(x);
  const top = Math.floor(y);
  const upper = grid[top]!;
  const lower = grid[Math.min(rows - 1, top + 1)]!;
  const right = Math.min(columns - 1, left + 1);
  const above = upper[left]! + (upper[right]! - upper[left]!) * (x - left);
  const below = lower[left]! + (lower[right]! - lower[left]!) * (x - left);
  return above + (below - above) * (y - top);
}

function mix(photograph: number, colour: number, heat: number): number {
  const share = heat * STRONGEST;
  return Math.round(photograph * (1 - share) + colour * share);
}
