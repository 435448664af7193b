/** The image types that the server can take. `PINHOLE_IMAGE_TYPES` narrows the list. */
export const IMAGE_FORMATS = ["jpeg", "png", "webp", "gif"] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** One photograph as it was sent. */
export interface EncodedImage {
  bytes: Uint8Array;
  /** Base name, at most 100 characters, or null where none was given. For the answer only, never a path or a key. */
  filename: string | null;
  /** Declared media type without parameters, lower case, or null. */
  contentType: string | null;
}

/** What the header says; nothing has been decoded. */
export interface ImageHeader {
  format: ImageFormat;
  /** Pixels as stored, before EXIF orientation. */
  width: number;
  height: number;
  /** EXIF orientation 1..8; 5..8 swap width and height. */
  orientation: number;
  /** Bits per sample: 1, 2, 4, 8 or 16. */
  bitDepth: number;
  /** Colour as stored. */
  color: "grey" | "rgb" | "cmyk" | "palette";
  alpha: boolean;
  /** Progressive JPEG or interlaced PNG/GIF. */
  progressive: boolean;
  /** Scans of a JPEG (SOS markers); 1 for everything else. */
  scans: number;
  /** Frames of an animation, as far as decoding its first one must pass them: WebP; 1 for everything else. */
  frames: number;
  /** An embedded colour profile that is not known to be sRGB. */
  hasProfile: boolean;
}

/** A decoded photograph: RGB u8, row by row, interleaved: [height, width, 3], upright (orientation applied). */
export interface ImageTensor {
  /**
   * Exactly height * width * 3 bytes, from the beginning of its ArrayBuffer on, which is handed over to the worker
   * as a whole: never one that others use, too.
   */
  data: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
}

/** Width and height in pixels of the picture upright, as the answer reports it. */
export function uprightSize(header: Pick<ImageHeader, "width" | "height" | "orientation">): {
  width: number;
  height: number;
} {
  const { width, height, orientation } = header;
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/** What a look at the image tensor says about the photograph itself. */
export interface Quality {
  /** 0 (no edges at all) .. 1 (crisp). */
  sharpness: number;
  /** Mean luma, 0 (black) .. 1 (white). */
  brightness: number;
  issues: QualityIssue[];
}

export const QUALITY_ISSUES = ["too_dark", "too_bright", "blurred", "too_small"] as const;
export type QualityIssue = (typeof QUALITY_ISSUES)[number];
