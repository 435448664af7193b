import { startsWith } from "./signature.ts";

const ORIENTATION = 0x0112;
/** Bytes of a value by its type. The standard says SHORT (3); writers also use the other integers. */
const INTEGER_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4 };
const EXIF_PREFIX = "Exif\0\0";

/** Whether `bytes` at `offset` start with "Exif\0\0", as in a JPEG's APP1 segment. */
export function hasExifPrefix(bytes: Uint8Array, offset: number): boolean {
  return startsWith(bytes, EXIF_PREFIX, offset);
}

/**
 * The orientation tag (0x0112) in the first directory of an EXIF block.
 *
 * @param exif the block from its TIFF header ("II" or "MM") on, an "Exif\0\0" before it allowed
 * @returns 1..8; 1 where the tag is missing or the block is malformed, as nothing else can be known then
 * @see Exif 2.32 (CIPA DC-008), 4.6.4; TIFF 6.0, section 2
 */
export function exifOrientation(exif: Uint8Array): number {
  const start = hasExifPrefix(exif, 0) ? EXIF_PREFIX.length : 0;
  const view = new DataView(exif.buffer, exif.byteOffset + start, exif.byteLength - start);
  if (view.byteLength < 8) return 1;

  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const little = order === 0x4949;
  if (view.getUint16(2, little) !== 42) return 1;

  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return 1;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + i * 12;
    if (entry + 12 > view.byteLength) return 1;
    if (view.getUint16(entry, little) !== ORIENTATION) continue;
    const bytes = INTEGER_BYTES[view.getUint16(entry + 2, little)] ?? 0;
    const count = view.getUint32(entry + 4, little);
    // Up to four bytes stand here; more would stand elsewhere, and one is all that makes sense.
    if (bytes === 0 || count === 0 || bytes * count > 4) return 1;
    const value = integerAt(view, entry + 8, bytes, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

function integerAt(view: DataView, at: number, bytes: number, little: boolean): number {
  if (bytes === 1) return view.getUint8(at);
  return bytes === 2 ? view.getUint16(at, little) : view.getUint32(at, little);
}
