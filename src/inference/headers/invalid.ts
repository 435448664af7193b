import { PinholeError } from "../../errors.ts";

/**
 * @param detail public text: what is wrong with the bytes and what to send instead
 * @param cause private text, for the log
 */
export function invalidImage(detail: string, cause?: unknown): PinholeError {
  return new PinholeError("INVALID_IMAGE", detail, { cause });
}

/** A file that ends before its picture does. */
export function truncated(format: string, missing: string): PinholeError {
  return invalidImage(`The ${format} is cut off: ${missing}. Send the whole file.`);
}
