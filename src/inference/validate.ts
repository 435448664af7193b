import { PinholeError, type ProblemMembers } from "../errors.ts";
import { readGifHeader } from "./headers/gif.ts";
import { readJpegHeader } from "./headers/jpeg.ts";
import { readPngHeader } from "./headers/png.ts";
import { detectFormat, detectMediaType } from "./headers/signature.ts";
import { readWebpHeader } from "./headers/webp.ts";
import type { EncodedImage, ImageFormat, ImageHeader } from "./image.ts";

export interface ImageLimits {
  types: readonly ImageFormat[];
  /** Largest photograph, in bytes. */
  maxBytes: number;
  maxPixels: number;
  /** Most pixels where decoding must hold the whole picture: JPEG of several scans, interlaced PNG. */
  progressiveMaxPixels: number;
  maxScans: number;
  /** Most megapixels times scans: what a progressive JPEG costs to decode. */
  maxMegapixelScans: number;
  /** Most frames of an animation. */
  maxFrames: number;
}

const MIB = 1024 * 1024;
/** Longest side, in pixels: JPEG's own limit. A PNG of one row has no other, and costs seconds to scale. */
const LONGEST_SIDE = 65_535;

const HEADER_READERS: Readonly<Record<ImageFormat, (bytes: Uint8Array) => ImageHeader>> = {
  jpeg: readJpegHeader,
  png: readPngHeader,
  webp: readWebpHeader,
  gif: readGifHeader,
};

/** What each type goes by: its media types, the standard one first, and its extensions. */
const NAMES: Readonly<Record<ImageFormat, { mediaTypes: readonly string[]; extensions: readonly string[] }>> =
  {
    jpeg: {
      mediaTypes: ["image/jpeg", "image/jpg", "image/pjpeg"],
      extensions: ["jpg", "jpeg", "jpe", "jfif"],
    },
    png: { mediaTypes: ["image/png", "image/x-png"], extensions: ["png"] },
    webp: { mediaTypes: ["image/webp"], extensions: ["webp"] },
    gif: { mediaTypes: ["image/gif"], extensions: ["gif"] },
  };

/** What senders declare who do not know. */
const UNDECLARED = "application/octet-stream";

/**
 * Decides from the bytes alone, before anything is decoded, whether a photograph can be served; linear in
 * their number at worst. Checked in this order:
 *
 * @throws PinholeError EMPTY_IMAGE: no bytes
 * @throws PinholeError FILE_TOO_LARGE (file_size_mb, max_size_mb, filename)
 * @throws PinholeError UNSUPPORTED_IMAGE_TYPE (allowed, content_type, extension, detected)
 * @throws PinholeError INVALID_IMAGE: corrupt, cut off, or of a kind that cannot be decoded; too many frames
 *   (frames, max_frames)
 * @throws PinholeError TOO_MANY_PIXELS (pixels, max_pixels, width, height)
 * @throws PinholeError TOO_MANY_SCANS (scans, max_scans, megapixel_scans, max_megapixel_scans)
 */
export function validateImage(image: EncodedImage, limits: ImageLimits): ImageHeader {
  if (image.bytes.byteLength === 0) {
    throw new PinholeError("EMPTY_IMAGE", "The image has no bytes: send a photograph.");
  }
  if (image.bytes.byteLength > limits.maxBytes) throw fileTooLarge(image, limits);
  const format = checkType(image, limits.types);
  const header = HEADER_READERS[format](image.bytes);
  checkPixels(header, limits);
  checkScans(header, limits);
  checkFrames(header, limits);
  return header;
}

/**
 * Content type, extension, magic bytes. A declared type or an extension must be one of the allowed ones, but
 * need not be the one that the bytes are: phones and browsers get that wrong.
 *
 * @returns what the magic bytes say
 * @throws PinholeError UNSUPPORTED_IMAGE_TYPE
 */
export function checkType(image: EncodedImage, allowed: readonly ImageFormat[]): ImageFormat {
  const { bytes, contentType } = image;
  const extension = extensionOf(image.filename);
  const format = detectFormat(bytes);
  const typeTaken = isTaken(contentType, allowed);
  const extensionTaken =
    extension === null || allowed.some((type) => NAMES[type].extensions.includes(extension));
  if (typeTaken && extensionTaken && format !== null && allowed.includes(format)) return format;

  const detected = detectMediaType(bytes);
  const names = allowed.map((type) => NAMES[type].mediaTypes[0]);
  const found = !typeTaken
    ? `its content type is ${quote(contentType ?? "")}`
    : !extensionTaken
      ? `the extension of its name is ${quote(extension ?? "")}`
      : detected === null
        ? "its bytes are none of them"
        : `its bytes are ${detected}`;
  throw new PinholeError("UNSUPPORTED_IMAGE_TYPE", `Send one of ${names.join(", ")}: ${found}.`, {
    members: { allowed: names, content_type: contentType, extension, detected },
  });
}

/**
 * What can be said of a body that is a photograph itself before a byte of it is read.
 * @throws PinholeError UNSUPPORTED_IMAGE_TYPE for a declared type that is none of the allowed ones
 */
export function checkContentType(contentType: string | null, allowed: readonly ImageFormat[]): void {
  if (isTaken(contentType, allowed)) return;
  const names = allowed.map((type) => NAMES[type].mediaTypes[0]);
  throw new PinholeError(
    "UNSUPPORTED_IMAGE_TYPE",
    `Send one of ${names.join(", ")}: its content type is ${quote(contentType ?? "")}.`,
    { members: { allowed: names, content_type: contentType, extension: null, detected: null } },
  );
}

/** No declared type, or one that says nothing, leaves it to the bytes. */
function isTaken(contentType: string | null, allowed: readonly ImageFormat[]): boolean {
  if (contentType === null || contentType === "" || contentType === UNDECLARED) return true;
  return allowed.some((type) => NAMES[type].mediaTypes.includes(contentType));
}

/** Lower case, without the dot. Null where there is none: a trailing date ("leaf 12.05.2025") is no extension. */
function extensionOf(filename: string | null): string | null {
  const dot = filename?.lastIndexOf(".") ?? -1;
  if (filename === null || dot <= 0) return null;
  const extension = filename.slice(dot + 1).toLowerCase();
  return /^\d*$|\s/.test(extension) ? null : extension;
}

function fileTooLarge(image: EncodedImage, limits: ImageLimits): PinholeError {
  const size = mebibytes(image.bytes.byteLength);
  const most = mebibytes(limits.maxBytes);
  const members: ProblemMembers = { file_size_mb: size, max_size_mb: most, filename: image.filename };
  return new PinholeError("FILE_TOO_LARGE", `The image has ${size} MB; send at most ${most} MB.`, {
    members,
  });
}

function checkPixels(header: ImageHeader, limits: ImageLimits): void {
  const { format, width, height } = header;
  const whole = header.scans > 1 || (header.progressive && format !== "gif");
  const most = whole ? Math.min(limits.maxPixels, limits.progressiveMaxPixels) : limits.maxPixels;
  const pixels = width * height;
  if (Math.max(width, height) > LONGEST_SIDE) {
    const detail = `The image has ${width} x ${height} pixels; a side may have at most ${LONGEST_SIDE}: make it smaller.`;
    const members = { pixels, max_pixels: most, max_side: LONGEST_SIDE, width, height };
    throw new PinholeError("TOO_MANY_PIXELS", detail, { members });
  }
  if (pixels <= most) return;
  const kind = whole ? `a progressive ${format.toUpperCase()}` : "an image";
  const detail = `The image has ${width} x ${height} = ${pixels} pixels; ${kind} may have at most ${most}: make it smaller.`;
  throw new PinholeError("TOO_MANY_PIXELS", detail, { members: { pixels, max_pixels: most, width, height } });
}

function checkScans(header: ImageHeader, limits: ImageLimits): void {
  const { scans, width, height } = header;
  const megapixelScans = Math.ceil((width * height * scans) / 1e6);
  const tooCostly = scans > 1 && width * height * scans > limits.maxMegapixelScans * 1e6;
  if (scans <= limits.maxScans && !tooCostly) return;
  throw new PinholeError(
    "TOO_MANY_SCANS",
    `The JPEG has ${scans} scans over ${width} x ${height} pixels: save it as a baseline JPEG.`,
    {
      members: {
        scans,
        max_scans: limits.maxScans,
        megapixel_scans: megapixelScans,
        max_megapixel_scans: limits.maxMegapixelScans,
      },
    },
  );
}

/** To find the first frame of a WebP, its decoder passes the list of all frames once for each of them. */
function checkFrames({ frames }: ImageHeader, { maxFrames }: ImageLimits): void {
  if (frames <= maxFrames) return;
  throw new PinholeError(
    "INVALID_IMAGE",
    `The animation has ${frames} frames; at most ${maxFrames} are taken: send a still picture.`,
    { members: { frames, max_frames: maxFrames } },
  );
}

/** MiB, rounded to two decimals. */
function mebibytes(bytes: number): number {
  return Math.round((bytes / MIB) * 100) / 100;
}

/** What came from the caller, cut to what a sentence holds. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
