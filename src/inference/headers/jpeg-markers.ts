import { invalidImage, truncated } from "./invalid.ts";

export const SOI = 0xd8;
export const EOI = 0xd9;
export const SOS = 0xda;

/** Bytes looked at one by one after a 0xff, before searching for the next one: both cost the same here. */
const NEAR_BYTES = 32;

/**
 * Passes over entropy-coded data, or over what should not be between two segments, to the next marker.
 *
 * @returns offset of the byte after the marker's two
 * @throws PinholeError INVALID_IMAGE where the bytes end before
 */
export function nextMarker(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const near = Math.min(at + NEAR_BYTES, bytes.length);
    while (at < near && bytes[at] !== 0xff) at++;
    if (bytes[at] !== 0xff) at = at < bytes.length ? bytes.indexOf(0xff, at) : -1;
    if (at < 0) throw truncated("JPEG", "its end marker is missing");
    while (bytes[at] === 0xff) at++; // 0xff may be repeated before a marker as padding
    if (at >= bytes.length) throw truncated("JPEG", "its end marker is missing");
    const code = bytes[at]!;
    at++;
    const stuffed = code === 0;
    const restart = code >= 0xd0 && code <= 0xd7;
    if (!stuffed && !restart) return at;
  }
}

/**
 * Checks the length field at `at`.
 *
 * @returns where the segment ends
 * @throws PinholeError INVALID_IMAGE where it does not fit
 */
export function segmentEnd(bytes: Uint8Array, at: number): number {
  if (at + 2 > bytes.length) throw truncated("JPEG", "it ends inside its header");
  const length = u16(bytes, at);
  if (length < 2) throw invalidImage("The JPEG is corrupt: a segment is shorter than its own length field.");
  if (at + length > bytes.length) throw truncated("JPEG", "it ends inside its header");
  return at + length;
}

/** TEM and the reserved codes have no length field. */
export function isStandalone(marker: number): boolean {
  return marker >= 0x01 && marker <= 0xbf;
}

export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
