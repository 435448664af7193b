import type { ImageHeader } from "../image.ts";
import { countGifPixels } from "./gif-data.ts";
import { invalidImage, truncated } from "./invalid.ts";

const HEADER_BYTES = 13;
const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;
const GRAPHIC_CONTROL = 0xf9;

/**
 * Reads a GIF's header and walks its blocks to the end of the first frame's data: an animation is its first
 * frame. The picture is as large as the logical screen, or as the first frame where that reaches beyond it.
 *
 * @throws PinholeError INVALID_IMAGE
 * @see CompuServe GIF89a, 17 to 26
 */
export function readGifHeader(bytes: Uint8Array): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < HEADER_BYTES) throw truncated("GIF", "it ends inside its header");
  let alpha = false;
  let at = HEADER_BYTES + colorTableBytes(view.getUint8(10));

  for (;;) {
    if (at + 2 > view.byteLength) throw truncated("GIF", "its first frame is missing");
    const block = view.getUint8(at);
    if (block === IMAGE) return readFrame(bytes, view, at + 1, alpha);
    if (block === TRAILER) throw invalidImage("The GIF is corrupt: it holds no picture.");
    if (block !== EXTENSION) throw invalidImage("The GIF is corrupt: it holds an unknown block.");
    if (view.getUint8(at + 1) === GRAPHIC_CONTROL && at + 4 <= view.byteLength) {
      alpha = (view.getUint8(at + 3) & 1) !== 0;
    }
    at = skipSubBlocks(view, at + 2);
  }
}

function readFrame(bytes: Uint8Array, view: DataView, at: number, alpha: boolean): ImageHeader {
  if (at + 9 > view.byteLength) throw truncated("GIF", "its first frame is missing");
  const frameWidth = view.getUint16(at + 4, true);
  const frameHeight = view.getUint16(at + 6, true);
  if (frameWidth === 0 || frameHeight === 0)
    throw invalidImage("The GIF is corrupt: its first frame is empty.");
  const flags = view.getUint8(at + 8);
  const data = at + 9 + colorTableBytes(flags);
  // The byte after the colour table is the code size; sub-blocks follow.
  skipSubBlocks(view, data + 1);
  const pixels = frameWidth * frameHeight;
  if (countGifPixels(bytes, data, pixels) < pixels) {
    throw invalidImage("The GIF is corrupt: the data of its first frame do not fill it. Save it again.");
  }
  return {
    format: "gif",
    width: Math.max(view.getUint16(6, true), view.getUint16(at, true) + frameWidth),
    height: Math.max(view.getUint16(8, true), view.getUint16(at + 2, true) + frameHeight),
    orientation: 1,
    bitDepth: 8,
    color: "palette",
    alpha,
    progressive: (flags & 0x40) !== 0,
    scans: 1,
    frames: 1,
    hasProfile: false,
  };
}

/** Bytes of the colour table that these flags announce. */
function colorTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1);
}

/** @returns offset after the empty sub-block that ends the series */
function skipSubBlocks(view: DataView, from: number): number {
  let at = from;
  for (;;) {
    if (at >= view.byteLength) throw truncated("GIF", "it ends before its first frame does");
    const length = view.getUint8(at);
    at += 1 + length;
    if (length === 0) return at;
  }
}
