import type { ImageHeader } from "../image.ts";
import { exifOrientation } from "./exif.ts";
import { isSrgbProfile } from "./icc.ts";
import { invalidImage, truncated } from "./invalid.ts";

const RIFF_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
/** Offset and size of a frame, duration and flags, before its chunks. */
const FRAME_HEADER_BYTES = 16;

const VP8 = 0x56503820;
const VP8L = 0x5650384c;
const VP8X = 0x56503858;
const ANMF = 0x414e4d46;
const ALPH = 0x414c5048;
const ICCP = 0x49434350;
const EXIF = 0x45584946;

const FLAG_ALPHA = 0x10;

type Bitstream = Pick<ImageHeader, "width" | "height" | "alpha">;

/**
 * Reads a WebP's header (lossy, lossless, extended) and walks its chunks to the end that its RIFF header
 * gives. An animation is its first frame on the canvas.
 *
 * @throws PinholeError INVALID_IMAGE
 * @see RFC 9649, 2.3 to 2.7; RFC 6386, 9.1
 */
export function readWebpHeader(bytes: Uint8Array): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < RIFF_BYTES + CHUNK_HEADER_BYTES) throw truncated("WebP", "it ends inside its header");
  const end = 8 + view.getUint32(4, true);
  if (end > view.byteLength) throw truncated("WebP", "it is shorter than its header says");

  let canvas: Bitstream | null = null;
  let picture: Bitstream | null = null;
  let alpha = false;
  let orientation: number | null = null;
  let hasProfile: boolean | null = null;
  let frames = 0;

  for (let at = RIFF_BYTES; at + CHUNK_HEADER_BYTES <= end; ) {
    const type = view.getUint32(at);
    const length = view.getUint32(at + 4, true);
    const body = at + CHUNK_HEADER_BYTES;
    if (length > end - body) throw invalidImage("The WebP is corrupt: a chunk is longer than the file.");

    if (type === VP8X && at === RIFF_BYTES) canvas = readCanvas(view, body, length);
    else if (type === VP8 || type === VP8L) picture ??= readBitstream(view, type, body, length);
    else if (type === ANMF) {
      frames++;
      picture ??= readFirstFrame(view, body, length);
    } else if (type === ALPH) alpha = true;
    // Of metadata that stand there more than once, the first counts.
    else if (type === ICCP) hasProfile ??= !isSrgbProfile(bytes.subarray(body, body + length));
    else if (type === EXIF) orientation ??= exifOrientation(bytes.subarray(body, body + length));
    at = body + length + (length & 1);
  }

  if (picture === null) throw invalidImage("The WebP is corrupt: it holds no picture.");
  const { width, height } = canvas ?? picture;
  return {
    format: "webp",
    width,
    height,
    orientation: orientation ?? 1,
    bitDepth: 8,
    color: "rgb",
    alpha: alpha || picture.alpha || (canvas?.alpha ?? false),
    progressive: false,
    scans: 1,
    frames: Math.max(1, frames),
    hasProfile: hasProfile ?? false,
  };
}

function readCanvas(view: DataView, body: number, length: number): Bitstream {
  if (length < 10) throw invalidImage("The WebP is corrupt: its header is too short.");
  const flags = view.getUint8(body);
  const width = 1 + view.getUint16(body + 4, true) + (view.getUint8(body + 6) << 16);
  const height = 1 + view.getUint16(body + 7, true) + (view.getUint8(body + 9) << 16);
  return { width, height, alpha: (flags & FLAG_ALPHA) !== 0 };
}

/** The picture inside an animation's frame: its own chunks lie after the frame's header. */
function readFirstFrame(view: DataView, body: number, length: number): Bitstream {
  const end = body + length;
  for (let at = body + FRAME_HEADER_BYTES; at + CHUNK_HEADER_BYTES <= end; ) {
    const type = view.getUint32(at);
    const size = view.getUint32(at + 4, true);
    const data = at + CHUNK_HEADER_BYTES;
    if (size > end - data) break;
    if (type === VP8 || type === VP8L) return readBitstream(view, type, data, size);
    at = data + size + (size & 1);
  }
  throw invalidImage("The WebP is corrupt: the first frame of its animation holds no picture.");
}

function readBitstream(view: DataView, type: number, body: number, length: number): Bitstream {
  return type === VP8 ? readLossy(view, body, length) : readLossless(view, body, length);
}

function readLossy(view: DataView, body: number, length: number): Bitstream {
  const keyFrame = length >= 10 && (view.getUint8(body) & 1) === 0;
  const startCode = keyFrame && view.getUint16(body + 3) === 0x9d01 && view.getUint8(body + 5) === 0x2a;
  if (!startCode) throw invalidImage("The WebP is corrupt: its picture does not start with a key frame.");
  const width = view.getUint16(body + 6, true) & 0x3fff;
  const height = view.getUint16(body + 8, true) & 0x3fff;
  if (width === 0 || height === 0) throw invalidImage("The WebP is corrupt: its width or height is zero.");
  return { width, height, alpha: false };
}

function readLossless(view: DataView, body: number, length: number): Bitstream {
  if (length < 5 || view.getUint8(body) !== 0x2f) {
    throw invalidImage("The WebP is corrupt: its picture lacks the lossless signature.");
  }
  const bits = view.getUint32(body + 1, true);
  const width = 1 + (bits & 0x3fff);
  const height = 1 + ((bits >>> 14) & 0x3fff);
  return { width, height, alpha: (bits & 0x10000000) !== 0 };
}
