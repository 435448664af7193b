import type { ImageHeader } from "../image.ts";
import { exifOrientation } from "./exif.ts";
import { invalidImage, truncated } from "./invalid.ts";

const SIGNATURE_BYTES = 8;
/** Length, type and checksum: what a chunk holds beside its data. */
const CHUNK_BYTES = 12;

/**
 * Beside the picture's data. Of each that is odd the decoder warns, and sharp tells of every warning on the main
 * thread: 400,000 held it up for 0.8 s.
 */
const MOST_CHUNKS = 32_768;

const IHDR = 0x49484452;
const PLTE = 0x504c5445;
const IDAT = 0x49444154;
const IEND = 0x49454e44;
const TRNS = 0x74524e53;
const EXIF = 0x65584966;
const ICCP = 0x69434350;

/** Colour type -> what it is and the bit depths that the standard allows with it. */
const COLOR_TYPES: Readonly<
  Record<number, { color: ImageHeader["color"]; alpha: boolean; depths: number[] }>
> = {
  0: { color: "grey", alpha: false, depths: [1, 2, 4, 8, 16] },
  2: { color: "rgb", alpha: false, depths: [8, 16] },
  3: { color: "palette", alpha: false, depths: [1, 2, 4, 8] },
  4: { color: "grey", alpha: true, depths: [8, 16] },
  6: { color: "rgb", alpha: true, depths: [8, 16] },
};

/**
 * Reads a PNG's header and walks its chunks to IEND, so that a file which is cut off is known as such. An
 * animated PNG is its default image.
 *
 * @throws PinholeError INVALID_IMAGE
 * @see W3C PNG, third edition, 5 and 11
 */
export function readPngHeader(bytes: Uint8Array): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readImageHeader(view);
  let palette = false;
  let data = false;
  let exif = false;
  let chunks = 0;

  let at = SIGNATURE_BYTES;
  for (;;) {
    if (at + CHUNK_BYTES > view.byteLength) throw truncated("PNG", "its end chunk is missing");
    const length = view.getUint32(at);
    const type = view.getUint32(at + 4);
    const body = at + 8;
    if (length > view.byteLength - at - CHUNK_BYTES) throw truncated("PNG", "it ends inside a chunk");

    if (type === IEND) break;
    if (type !== IDAT && ++chunks > MOST_CHUNKS)
      throw invalidImage(`The PNG has more than ${MOST_CHUNKS} chunks beside its picture: save it anew.`);
    if (type === IDAT) data = true;
    else if (type === PLTE) palette = true;
    else if (type === TRNS) header.alpha = true;
    else if (type === ICCP) header.hasProfile = true;
    else if (type === EXIF && !exif) {
      exif = true;
      header.orientation = exifOrientation(bytes.subarray(body, body + length));
    } else if (type === IHDR && at !== SIGNATURE_BYTES)
      throw invalidImage("The PNG is corrupt: it has two headers.");
    at = body + length + 4;
  }

  if (!data) throw invalidImage("The PNG is corrupt: it holds no picture data.");
  if (header.color === "palette" && !palette)
    throw invalidImage("The PNG is corrupt: its palette is missing.");
  return header;
}

function readImageHeader(view: DataView): ImageHeader {
  const at = SIGNATURE_BYTES;
  if (view.byteLength < at + CHUNK_BYTES + 13) throw truncated("PNG", "it ends inside its header");
  if (view.getUint32(at) !== 13 || view.getUint32(at + 4) !== IHDR) {
    throw invalidImage("The PNG is corrupt: it does not start with its header chunk.");
  }
  const width = view.getUint32(at + 8);
  const height = view.getUint32(at + 12);
  const bitDepth = view.getUint8(at + 16);
  const kind = COLOR_TYPES[view.getUint8(at + 17)];
  const interlace = view.getUint8(at + 20);
  if (width === 0 || height === 0) throw invalidImage("The PNG is corrupt: its width or height is zero.");
  if (width > 0x7fffffff || height > 0x7fffffff)
    throw invalidImage("The PNG is corrupt: its size is out of range.");
  if (kind === undefined || !kind.depths.includes(bitDepth)) {
    throw invalidImage("The PNG is corrupt: its colour type and bit depth do not go together.");
  }
  if (view.getUint8(at + 18) !== 0 || view.getUint8(at + 19) !== 0 || interlace > 1) {
    throw invalidImage("The PNG is corrupt: it names an unknown compression, filter or interlace method.");
  }
  const { color, alpha } = kind;
  const progressive = interlace === 1;
  return {
    format: "png",
    width,
    height,
    orientation: 1,
    bitDepth,
    color,
    alpha,
    progressive,
    scans: 1,
    frames: 1,
    hasProfile: false,
  };
}
