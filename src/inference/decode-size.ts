import type { Manifest, Model } from "../model-repository/manifest.ts";

/** What the model takes and how a picture is fitted to it: what decides how large to decode. */
export interface DecodeTarget {
  width: number;
  height: number;
  fit: Manifest["resize"]["fit"];
  crop: number;
  /** RGB, 0..255 each, of the border that `contain` leaves. */
  background?: Manifest["resize"]["background"];
}

export function decodeTarget({ manifest }: Pick<Model, "manifest">): DecodeTarget {
  const { width, height } = manifest.input;
  return { ...manifest.resize, width, height };
}

export interface Size {
  width: number;
  height: number;
}

/** Times the wanted size in which a reduced picture is decoded: [least, most]. */
const LEAST = 2.4;
const MOST = 2.8;
/** From how many times the wanted size on a picture is reduced while decoding. */
const REDUCED_FROM = 4;
/** Most decoded pixels, or more for a model that takes large pictures: only strips come near it. */
const STRIP_PIXELS = 12_000_000;
const STRIP_TIMES = 256;

/**
 * How large to decode a picture of this upright size.
 *
 * Under four times the size that the model wants (crop included): as it is, so that the one resize which follows
 * is exactly Pillow's. Beyond: reduced to a good twice that size, which leaves the final resize enough pixels to
 * look like the only one (at just twice, the mean difference to a single resize is double that at 2.5). Among
 * the sizes there, the one whose two sides come out of the division nearest to whole pixels: rounding a side
 * shifts the picture's detail towards its edges.
 *
 * A strip (50,000 x 1,000, of which the model sees the middle) would be held almost whole that way: it is reduced
 * further.
 */
export function decodeSize(picture: Size, target: DecodeTarget): Size {
  const size = fittingSize(picture, target);
  const most = Math.max(STRIP_PIXELS, STRIP_TIMES * target.width * target.height);
  const pixels = size.width * size.height;
  if (pixels <= most) return size;
  const side = (length: number) => Math.max(1, Math.floor(length * Math.sqrt(most / pixels)));
  return { width: side(size.width), height: side(size.height) };
}

function fittingSize(picture: Size, target: DecodeTarget): Size {
  const times = timesWanted(picture, target);
  if (times < REDUCED_FROM) return picture;

  const longer = Math.max(picture.width, picture.height);
  const shorter = Math.min(picture.width, picture.height);
  const from = Math.ceil((longer * LEAST) / times);
  const to = Math.max(from, Math.floor((longer * MOST) / times));
  let best = from;
  let leastError = Number.POSITIVE_INFINITY;
  for (let side = from; side <= to; side++) {
    const other = (shorter * side) / longer;
    const error = Math.abs(other - Math.round(other));
    if (error < leastError) {
      leastError = error;
      best = side;
    }
  }
  const other = Math.max(1, Math.round((shorter * best) / longer));
  return picture.width >= picture.height ? { width: best, height: other } : { width: other, height: best };
}

/** By how much fitting shrinks the picture, on the side that it shrinks least. */
export function timesWanted({ width, height }: Size, target: DecodeTarget): number {
  const across = width / target.width;
  const down = height / target.height;
  if (target.fit === "contain") return Math.max(across, down);
  return Math.min(across, down) * target.crop;
}
