import type { ImageHeader } from "../image.ts";
import { exifOrientation, hasExifPrefix } from "./exif.ts";
import { isSrgbProfile } from "./icc.ts";
import { invalidImage } from "./invalid.ts";
import { EOI, isStandalone, nextMarker, SOI, SOS, segmentEnd, u16 } from "./jpeg-markers.ts";
import { startsWith } from "./signature.ts";

const APP1 = 0xe1;
const APP2 = 0xe2;
/** Decoders keep a list of all segments: ten megabytes of empty ones cost them 2 s and 400 MB. Photographs have tens. */
const MOST_SEGMENTS = 32_768;
const ICC_PREFIX = "ICC_PROFILE\0";
type Frame = Pick<ImageHeader, "width" | "height" | "color" | "progressive" | "bitDepth">;

/**
 * Reads a JPEG's header and walks its markers to the end of the picture, so that a file which is cut off is
 * known as such; whatever follows the end (maker's trailers, a second picture) is nobody's business here.
 *
 * @returns `scans`: number of SOS markers, which is what decoding costs
 * @throws PinholeError INVALID_IMAGE
 * @see ITU-T T.81, annex B
 */
export function readJpegHeader(bytes: Uint8Array): ImageHeader {
  let frame: Frame | null = null;
  let orientation: number | null = null;
  let profileSeen = false;
  let hasProfile = false;
  let scans = 0;
  let at = 2;

  for (let segments = 0; ; segments++) {
    if (segments > MOST_SEGMENTS)
      throw invalidImage(`The JPEG has more than ${MOST_SEGMENTS} segments: save it anew.`);
    at = nextMarker(bytes, at);
    const marker = bytes[at - 1]!;
    if (marker === EOI) break;
    if (marker === SOI) throw invalidImage("The JPEG is corrupt: a second picture starts inside the first.");
    if (isStandalone(marker)) continue;

    const end = segmentEnd(bytes, at);
    const body = at + 2;
    if (isFrameMarker(marker)) {
      if (frame !== null) throw invalidImage("The JPEG is corrupt: it holds more than one frame header.");
      frame = readFrame(bytes, marker, body, end);
    } else if (marker === APP1 && orientation === null && hasExifPrefix(bytes, body)) {
      orientation = exifOrientation(bytes.subarray(body, end));
    } else if (marker === APP2 && startsWith(bytes, ICC_PREFIX, body) && bytes[body + 12] === 1) {
      // One is all a picture has: of more, none is trusted to be sRGB, and none is read.
      hasProfile = profileSeen || !isSrgbProfile(bytes.subarray(body + 14, end));
      profileSeen = true;
    } else if (marker === SOS) {
      if (frame === null)
        throw invalidImage("The JPEG is corrupt: picture data come before the frame header.");
      scans++;
    }
    at = end;
  }

  if (frame === null || scans === 0) throw invalidImage("The JPEG is corrupt: it holds no picture.");
  return {
    format: "jpeg",
    ...frame,
    orientation: orientation ?? 1,
    alpha: false,
    scans,
    frames: 1,
    hasProfile,
  };
}

/** SOF0..SOF15, without DHT (0xc4), JPG (0xc8) and DAC (0xcc), which lie between them. */
function isFrameMarker(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrame(bytes: Uint8Array, marker: number, body: number, end: number): Frame {
  if (end - body < 6) throw invalidImage("The JPEG is corrupt: its frame header is too short.");
  const coding = marker & 0x0f; // 0 baseline, 1 extended, 2 progressive; 9 and 10 the same with arithmetic coding
  if (![0, 1, 2, 9, 10].includes(coding)) {
    throw invalidImage(
      "Lossless and hierarchical JPEG are not taken: save it as a baseline or progressive JPEG.",
    );
  }
  const precision = bytes[body]!;
  if (precision !== 8) {
    throw invalidImage(`A JPEG of ${precision} bits a sample is not taken: save it with 8 bits.`);
  }
  const height = u16(bytes, body + 1);
  const width = u16(bytes, body + 3);
  if (width === 0) throw invalidImage("The JPEG is corrupt: its width is zero.");
  if (height === 0) throw invalidImage("The JPEG does not say its height in its header: save it again.");

  const components = bytes[body + 5]!;
  const color = components === 1 ? "grey" : components === 3 ? "rgb" : components === 4 ? "cmyk" : null;
  if (color === null || end - body !== 6 + 3 * components) {
    throw invalidImage("The JPEG is corrupt: its frame header does not name 1, 3 or 4 colour components.");
  }
  return { width, height, color, progressive: coding === 2 || coding === 10, bitDepth: 8 };
}
