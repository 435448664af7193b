import { PinholeError } from "../errors.ts";

/** One part of a multipart/form-data body (RFC 7578). `bytes` is a view on the body, not a copy. */
export interface Part {
  name: string;
  /** As sent, decoded as UTF-8; null where the part has none. Not yet safe to show. */
  filename: string | null;
  /** Media type in lower case without parameters, or null. */
  contentType: string | null;
  bytes: Uint8Array;
}

export interface MultipartLimits {
  /** Most parts of any name. */
  maxParts: number;
  /** Most bytes of one part's header lines. */
  maxHeaderBytes: number;
}

const CRLF = Buffer.from("\r\n");
const HEADER_END = Buffer.from("\r\n\r\n");

/**
 * The boundary of a `multipart/form-data` content type, or null where it is another type.
 * @throws PinholeError INVALID_REQUEST for multipart/form-data without a usable boundary (RFC 2046: 1 to 70
 * characters).
 */
export function multipartBoundary(contentType: string | null): string | null {
  if (contentType === null || !/^\s*multipart\/form-data\s*(;|$)/i.test(contentType)) return null;
  const boundary = parameters(contentType).boundary;
  if (boundary === undefined || boundary.length < 1 || boundary.length > 70)
    throw malformed("its content type names no boundary of 1 to 70 characters");
  return boundary;
}

/**
 * Splits a whole body, which must have been bounded while it was read. One pass over the bytes; the preamble
 * and the epilogue are passed over (RFC 2046, section 5.1.1).
 * @throws PinholeError INVALID_REQUEST saying what is wrong with the body
 */
export function parseMultipart(body: Uint8Array, boundary: string, limits: MultipartLimits): Part[] {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  const parts: Part[] = [];
  // The first delimiter may stand at the very start, without the line break before it.
  let at = buffer.indexOf(delimiter.subarray(2));
  if (at > 0) at = buffer.indexOf(delimiter);
  if (at === -1) throw malformed("its boundary does not occur in the body");
  let after = at + delimiter.length - (at === 0 ? 2 : 0);
  while (!(buffer[after] === 0x2d && buffer[after + 1] === 0x2d)) {
    if (parts.length === limits.maxParts) throw malformed(`it has more than ${limits.maxParts} parts`);
    const lineEnd = skipPadding(buffer, after);
    const headerEnd = endOfHeaders(buffer, lineEnd, limits.maxHeaderBytes);
    const contentStart = headerEnd + HEADER_END.length;
    const next = buffer.indexOf(delimiter, contentStart - CRLF.length);
    if (next === -1) throw malformed("its last part has no closing boundary");
    parts.push(
      partOf(
        buffer.toString("utf8", lineEnd, headerEnd),
        body.subarray(contentStart, Math.max(contentStart, next)),
      ),
    );
    after = next + delimiter.length;
  }
  return parts;
}

/** A delimiter may be followed by blanks before its line break. Gives the offset of that line break. */
function skipPadding(buffer: Buffer, from: number): number {
  let at = from;
  while (buffer[at] === 0x20 || buffer[at] === 0x09) at++;
  if (buffer[at] !== 0x0d || buffer[at + 1] !== 0x0a)
    throw malformed("a boundary is not followed by a line break");
  return at;
}

/** `from` is the line break before the first header line, so that a part without headers is found, too. */
function endOfHeaders(buffer: Buffer, from: number, maxBytes: number): number {
  const end = buffer.subarray(from, from + maxBytes + HEADER_END.length).indexOf(HEADER_END);
  if (end === -1) throw malformed(`a part's headers do not end within ${maxBytes} bytes`);
  return from + end;
}

function partOf(headerText: string, bytes: Uint8Array): Part {
  let disposition: string | null = null;
  let contentType: string | null = null;
  for (const line of headerText.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon === -1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "content-disposition") disposition = value;
    else if (name === "content-type") contentType = mediaType(value);
    else if (name === "content-transfer-encoding" && !/^(binary|8bit|7bit)$/i.test(value))
      throw malformed("a part has a content-transfer-encoding; send it as it is");
  }
  if (disposition === null || !/^form-data\s*(;|$)/i.test(disposition))
    throw malformed("a part has no content-disposition of form-data");
  const { name, filename, "filename*": extended } = parameters(disposition);
  if (name === undefined) throw malformed("a part has no name");
  return { name, filename: extendedValue(extended) ?? filename ?? null, contentType, bytes };
}

/** Lower case, without parameters; null for an empty value. */
export function mediaType(value: string | null): string | null {
  const type = value?.split(";", 1)[0]?.trim().toLowerCase();
  return type ? type : null;
}

/** Parameters of a header value (RFC 9110, 5.6.6); the first of a name wins. Quoted pairs are resolved. */
function parameters(value: string): Record<string, string> {
  const found: Record<string, string> = Object.create(null);
  for (const match of value.matchAll(
    /;\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))/g,
  )) {
    const name = match[1]!.toLowerCase();
    // Browsers send a backslash in a file name as it is and quote only the quotation mark.
    found[name] ??= match[2]?.replace(/\\"/g, '"') ?? match[3] ?? "";
  }
  return found;
}

/** RFC 8187: UTF-8''percent-encoded. */
function extendedValue(value: string | undefined): string | null {
  const match = /^utf-8'[^']*'(.*)$/i.exec(value ?? "");
  if (!match) return null;
  try {
    return decodeURIComponent(match[1]!);
  } catch {
    return null;
  }
}

function malformed(why: string): PinholeError {
  return new PinholeError("INVALID_REQUEST", `The multipart body is malformed: ${why}.`);
}
