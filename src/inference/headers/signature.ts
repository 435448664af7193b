import type { ImageFormat } from "../image.ts";

interface Signature {
  mediaType: string;
  matches: (bytes: Uint8Array) => boolean;
}

/** In this order: the four that can be taken, then what people send instead of them. */
const SIGNATURES: readonly Signature[] = [
  { mediaType: "image/jpeg", matches: (b) => b[0] === 0xff && b[1] === 0xd8 && b[2] === 0xff },
  { mediaType: "image/png", matches: (b) => startsWith(b, "\x89PNG\r\n\x1a\n") },
  { mediaType: "image/webp", matches: (b) => startsWith(b, "RIFF") && startsWith(b, "WEBP", 8) },
  { mediaType: "image/gif", matches: (b) => startsWith(b, "GIF87a") || startsWith(b, "GIF89a") },
  { mediaType: "image/avif", matches: (b) => isBrand(b, ["avif", "avis"]) },
  { mediaType: "image/heic", matches: (b) => isBrand(b, ["heic", "heix", "hevc", "hevx", "heim", "heis"]) },
  { mediaType: "image/heif", matches: (b) => isBrand(b, ["mif1", "msf1"]) },
  { mediaType: "video/mp4", matches: (b) => startsWith(b, "ftyp", 4) },
  {
    mediaType: "image/tiff",
    matches: (b) => ["II*\0", "MM\0*", "II+\0", "MM\0+"].some((s) => startsWith(b, s)),
  },
  { mediaType: "image/jxl", matches: (b) => startsWith(b, "\xff\x0a") || startsWith(b, "\0\0\0\x0cJXL ") },
  { mediaType: "image/jp2", matches: (b) => startsWith(b, "\0\0\0\x0cjP  ") },
  { mediaType: "image/bmp", matches: (b) => startsWith(b, "BM") },
  { mediaType: "image/x-icon", matches: (b) => startsWith(b, "\0\0\x01\0") },
  { mediaType: "image/vnd.adobe.photoshop", matches: (b) => startsWith(b, "8BPS") },
  { mediaType: "application/pdf", matches: (b) => startsWith(b, "%PDF-") },
  { mediaType: "application/zip", matches: (b) => startsWith(b, "PK\x03\x04") },
  { mediaType: "application/gzip", matches: (b) => startsWith(b, "\x1f\x8b") },
  { mediaType: "text/html", matches: (b) => /^(<!doctype html|<html|<head|<body|<script)/i.test(text(b)) },
  { mediaType: "image/svg+xml", matches: (b) => /^<(svg|.*<svg)[\s>]/is.test(text(b)) },
  { mediaType: "application/xml", matches: (b) => /^<\?xml/i.test(text(b)) },
  { mediaType: "application/json", matches: (b) => /^(\{\s*["}]|\[\s*[[{"\]\d])/.test(text(b)) },
];

const FORMATS: Readonly<Record<string, ImageFormat>> = {
  "image/jpeg": "jpeg",
  "image/png": "png",
  "image/webp": "webp",
  "image/gif": "gif",
};

/** Media type by magic bytes, or null where none is known. Names also what is never taken (HEIC, PDF, ...). */
export function detectMediaType(bytes: Uint8Array): string | null {
  return SIGNATURES.find((signature) => signature.matches(bytes))?.mediaType ?? null;
}

/** Image format by magic bytes, or null where it is none of those that can be taken. */
export function detectFormat(bytes: Uint8Array): ImageFormat | null {
  const mediaType = detectMediaType(bytes);
  return mediaType === null ? null : (FORMATS[mediaType] ?? null);
}

/** Whether `bytes` hold `signature` (one character a byte) at `offset`. */
export function startsWith(bytes: Uint8Array, signature: string, offset = 0): boolean {
  for (let i = 0; i < signature.length; i++) {
    if (bytes[offset + i] !== signature.charCodeAt(i)) return false;
  }
  return true;
}

/** ISO base media file whose major brand is one of these. */
function isBrand(bytes: Uint8Array, brands: readonly string[]): boolean {
  return startsWith(bytes, "ftyp", 4) && brands.some((brand) => startsWith(bytes, brand, 8));
}

/** The first characters, for formats that are text: byte order mark and white space left out. */
function text(bytes: Uint8Array): string {
  const from = startsWith(bytes, "\xef\xbb\xbf") ? 3 : 0;
  return String.fromCharCode(...bytes.subarray(from, from + 512)).trimStart();
}
