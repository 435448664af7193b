import type { Setting } from "./setting.ts";

const MIB = 1024 * 1024;

/** Which photographs are taken, and what one may cost to decode. */
export const IMAGES_SETTINGS = {
  imageTypes: {
    name: "PINHOLE_IMAGE_TYPES",
    type: "list",
    choices: ["jpeg", "png", "webp", "gif"],
    default: ["jpeg", "png", "webp", "gif"],
    minItems: 1,
    meaning: "Image types that are taken.",
  },
  imageMaxBytes: {
    name: "PINHOLE_IMAGE_MAX_BYTES",
    type: "integer",
    min: 1024,
    max: 1024 * MIB,
    default: 10 * MIB,
    unit: "bytes",
    meaning: "Largest photograph.",
  },
  imageMaxPixels: {
    name: "PINHOLE_IMAGE_MAX_PIXELS",
    type: "integer",
    min: 1,
    max: 1_000_000_000,
    default: 50_000_000,
    unit: "pixels",
    meaning: "Most pixels of a photograph.",
  },
  imageProgressiveMaxPixels: {
    name: "PINHOLE_IMAGE_PROGRESSIVE_MAX_PIXELS",
    type: "integer",
    min: 1,
    max: 1_000_000_000,
    default: 25_000_000,
    unit: "pixels",
    meaning:
      "Most pixels of a picture that must be held whole while decoding: progressive JPEG, interlaced PNG.",
  },
  imageMaxScans: {
    name: "PINHOLE_IMAGE_MAX_SCANS",
    type: "integer",
    min: 1,
    max: 10_000,
    default: 64,
    meaning: "Most scans of a progressive JPEG.",
  },
  imageMaxMegapixelScans: {
    name: "PINHOLE_IMAGE_MAX_MEGAPIXEL_SCANS",
    type: "integer",
    min: 1,
    max: 1_000_000,
    default: 1000,
    unit: "megapixel scans",
    meaning: "Most megapixels times scans of a progressive JPEG: what decoding it costs.",
  },
  imageMaxFrames: {
    name: "PINHOLE_IMAGE_MAX_FRAMES",
    type: "integer",
    min: 1,
    max: 100_000,
    default: 1000,
    unit: "frames",
    meaning: "Most frames of an animated WebP, of which the first is looked at.",
  },
  decoders: {
    name: "PINHOLE_DECODERS",
    type: "choice",
    choices: ["auto", "sharp"],
    default: "auto",
    meaning:
      "Who decodes. `auto`: libjpeg-turbo plain JPEGs, sharp everything else; sharp all of them where libjpeg-turbo cannot be loaded, which the log says at start. `sharp`: sharp everything.",
  },
} as const satisfies Record<string, Setting>;
