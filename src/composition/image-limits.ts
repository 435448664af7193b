import type { PhotographSettings } from "../evaluation/walk.ts";
import type { ImageLimits } from "../inference/validate.ts";
import type { Config } from "../settings.ts";

/** What the settings say a photograph may be. */
export function imageLimits(config: Config): ImageLimits {
  return {
    types: config.imageTypes,
    maxBytes: config.imageMaxBytes,
    maxPixels: config.imageMaxPixels,
    progressiveMaxPixels: config.imageProgressiveMaxPixels,
    maxScans: config.imageMaxScans,
    maxMegapixelScans: config.imageMaxMegapixelScans,
    maxFrames: config.imageMaxFrames,
  };
}

/** What decoding one may take: the second wall behind `imageLimits`. */
export function decodeCaps(config: Config): { maxPixels: number; timeoutMs: number } {
  return { maxPixels: config.imageMaxPixels, timeoutMs: config.decodeTimeoutMs };
}

/** What commands that judge photographs as the server does must know of the settings. */
export function photographSettings(config: Config): PhotographSettings {
  return { limits: imageLimits(config), decode: { ...decodeCaps(config), decoders: config.decoders } };
}
