/** One hostile request body, and what may come of it. */
export interface Specimen {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
  contentType: string;
  /** Outcomes that are right: "200", or status and code such as "422 INVALID_IMAGE". */
  expected: readonly string[];
}

export interface SpecimenGroup {
  name: string;
  specimens: readonly Specimen[];
}

export const SERVED = "200";
export const INVALID = "422 INVALID_IMAGE";
export const PIXELS = "422 TOO_MANY_PIXELS";
export const SCANS = "422 TOO_MANY_SCANS";
export const UNSUPPORTED = "400 UNSUPPORTED_IMAGE_TYPE";
export const MALFORMED = "400 INVALID_REQUEST";
export const EMPTY = "400 EMPTY_IMAGE";
export const LARGE = "413 FILE_TOO_LARGE";

/** An image sent as the body itself; its type is left to the magic bytes. */
export function image(name: string, bytes: Uint8Array, ...expected: string[]): Specimen {
  return { name, bytes: new Uint8Array(bytes), contentType: "application/octet-stream", expected };
}

export const ascii = (text: string) => Buffer.from(text, "latin1");
