import { ClientGone } from "../admission/drop.ts";
import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { EncodedImage } from "./image.ts";
import { mediaType, multipartBoundary, parseMultipart } from "./multipart.ts";

export interface ReadLimits {
  /** Largest photograph; also the largest body that is a photograph itself. */
  imageMaxBytes: number;
  requestMaxBytes: number;
  requestMaxImages: number;
  timeoutMs: number;
  /** Lowest mean rate, judged from the fifth second on; 0: none. */
  minBytesPerSecond: number;
}

/** An unread body and what was declared of it. */
export interface UnreadBody {
  /** Not looked at where `bytes` is called. */
  readonly body: ReadableStream<Uint8Array> | null;
  /** The whole body at once, where whoever has it can give it for less than a stream costs; rejects where it is cut. */
  bytes?(): Promise<Uint8Array>;
  contentType: string | null;
  contentLength: number | null;
  signal: AbortSignal;
}

/** Form fields that carry photographs. Others are passed over. */
const IMAGE_FIELDS: ReadonlySet<string> = new Set(["file", "files", "file[]", "files[]"]);
/** Beside eight photographs a form may carry a few fields of its own. */
const MULTIPART_LIMITS = { maxParts: 32, maxHeaderBytes: 8192 } as const;
/** Declared bodies up to this size are read at once: a stream costs as much CPU as all the rest of reading 13 KB. */
const AT_ONCE_BYTES = 64 * 1024;
const RATE_GRACE_MS = 5000;
const RATE_CHECK_MS = 1000;
const MIB = 1024 * 1024;

/**
 * Reads the whole body, bounded in bytes, time and rate while it comes, and takes the photographs out of it:
 * the parts of a form, or the body itself. Size and type that are declared are judged before a byte is read.
 *
 * @param checkType throws for a declared media type that is not taken
 * @param grow told of the bytes as they come; throws when they are too many
 * @throws PinholeError FILE_TOO_LARGE, REQUEST_TIMEOUT, NO_IMAGE, EMPTY_IMAGE, INVALID_REQUEST,
 * UNSUPPORTED_IMAGE_TYPE, VALIDATION_FAILED (too many photographs)
 * @throws ClientGone when the connection is cut
 */
export async function readBody(
  unread: UnreadBody,
  limits: ReadLimits,
  clock: Clock,
  checkType: (contentType: string | null) => void,
  grow: (bytes: number) => void,
): Promise<EncodedImage[]> {
  const boundary = multipartBoundary(unread.contentType);
  const contentType = mediaType(unread.contentType);
  if (boundary === null) checkType(contentType);
  const maxBytes =
    boundary === null ? Math.min(limits.imageMaxBytes, limits.requestMaxBytes) : limits.requestMaxBytes;
  if (unread.contentLength !== null && unread.contentLength > maxBytes)
    throw tooLarge(unread.contentLength, maxBytes);
  const isSmall = unread.contentLength !== null && unread.contentLength <= AT_ONCE_BYTES;
  const bytes =
    isSmall && unread.bytes !== undefined
      ? await readAtOnce(unread.bytes(), unread.contentLength!, limits, clock, grow)
      : await readBytes(unread, maxBytes, limits, clock, grow);
  if (boundary === null) return [rawImage(bytes, contentType)];
  const images = formImages(bytes, boundary);
  if (images.length > limits.requestMaxImages) throw tooManyImages(images.length, limits.requestMaxImages);
  return images;
}

function rawImage(bytes: Uint8Array, contentType: string | null): EncodedImage {
  if (bytes.length > 0) return { bytes, filename: null, contentType };
  throw contentType === null
    ? new PinholeError(
        "NO_IMAGE",
        "The request has no body: send a photograph as the body or as form field `file`.",
      )
    : new PinholeError("EMPTY_IMAGE", "The image has no bytes: send a photograph.");
}

function formImages(bytes: Uint8Array, boundary: string): EncodedImage[] {
  if (bytes.length === 0) throw noImageField();
  const images = parseMultipart(bytes, boundary, MULTIPART_LIMITS)
    .filter((part) => IMAGE_FIELDS.has(part.name))
    .map((part) => ({ bytes: part.bytes, filename: baseName(part.filename), contentType: part.contentType }));
  if (images.length === 0) throw noImageField();
  return images;
}

/** The last component, without control characters, at most 100 characters: fit to be shown, never used as a path. */
export function baseName(filename: string | null): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const name = filename?.replace(/^.*[/\\]/s, "").replace(/[\u0000-\u001f\u007f-\u009f]/g, "");
  if (!name) return null;
  const characters = [...name];
  // The end is kept, for the extension stands there.
  return characters.length <= 100 ? name : characters.slice(-100).join("");
}

/**
 * Of such a body it is not known how much has come: the permit counts it from the start, and it may take as long as
 * the lowest rate allows for all of it, or the grace.
 */
async function readAtOnce(
  arrival: Promise<Uint8Array>,
  declared: number,
  limits: ReadLimits,
  clock: Clock,
  grow: (bytes: number) => void,
): Promise<Uint8Array> {
  // Nobody listens any more once it was refused or is late.
  arrival.catch(() => undefined);
  grow(declared);
  const { timeoutMs, minBytesPerSecond } = limits;
  const rateMs = minBytesPerSecond > 0 ? (declared / minBytesPerSecond) * 1000 : timeoutMs;
  const patienceMs = Math.min(timeoutMs, Math.max(RATE_GRACE_MS, rateMs));
  const { promise: late, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(tooLate(limits, patienceMs, `${declared} bytes did not come whole`));
  const cancel = clock.after(patienceMs, giveUp);
  try {
    const bytes = await Promise.race([arrival, late]);
    if (bytes.length < declared) throw new ClientGone();
    return bytes;
  } catch (error) {
    throw error instanceof PinholeError ? error : new ClientGone();
  } finally {
    cancel();
  }
}

async function readBytes(
  unread: UnreadBody,
  maxBytes: number,
  limits: ReadLimits,
  clock: Clock,
  grow: (bytes: number) => void,
): Promise<Uint8Array> {
  if (unread.body === null) return new Uint8Array(0);
  if (unread.signal.aborted) throw new ClientGone();
  const reader = unread.body.getReader();
  const chunks: Uint8Array[] = [];
  let received = 0;
  const watch = watchArrival(limits, clock, () => received);
  const gone = () => watch.fail(new ClientGone());
  unread.signal.addEventListener("abort", gone, { once: true });
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), watch.failed]);
      if (done) break;
      received += value.length;
      if (received > maxBytes) throw tooLarge(received, maxBytes);
      grow(value.length);
      chunks.push(value);
    }
  } catch (error) {
    // Nobody waits for the rest; a cancelled stream lets the server drop the connection.
    reader.cancel().catch(() => undefined);
    throw error instanceof PinholeError || error instanceof ClientGone ? error : new ClientGone();
  } finally {
    watch.stop();
    unread.signal.removeEventListener("abort", gone);
  }
  if (unread.contentLength !== null && received < unread.contentLength) throw new ClientGone();
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, received);
}

/** Fails once the time is up, or once the mean rate is below the lowest after the grace. */
function watchArrival(limits: ReadLimits, clock: Clock, received: () => number) {
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  // Nobody may be listening by the time it fails.
  failed.catch(() => undefined);
  const startedAt = clock.now();
  let cancel: () => void;
  const look = () => {
    const elapsedMs = clock.now() - startedAt;
    const tooSlow = elapsedMs >= RATE_GRACE_MS && received() < (limits.minBytesPerSecond * elapsedMs) / 1000;
    if (elapsedMs >= limits.timeoutMs || tooSlow)
      fail(tooLate(limits, elapsedMs, `Only ${received()} bytes came`));
    else cancel = clock.after(Math.min(RATE_CHECK_MS, limits.timeoutMs - elapsedMs), look);
  };
  cancel = clock.after(Math.min(RATE_GRACE_MS, limits.timeoutMs), look);
  return { failed, fail, stop: () => cancel() };
}

function tooLate(limits: ReadLimits, elapsedMs: number, found: string): PinholeError {
  const seconds = Math.round(elapsedMs / 100) / 10;
  return new PinholeError(
    "REQUEST_TIMEOUT",
    `${found} in ${seconds} s: send the body within ${limits.timeoutMs / 1000} s and at no less than ${limits.minBytesPerSecond} bytes a second, or send a smaller photograph.`,
  );
}

function tooLarge(bytes: number, maxBytes: number): PinholeError {
  const [fileSize, maxSize] = [bytes, maxBytes].map((size) => Math.round((size / MIB) * 100) / 100);
  return new PinholeError(
    "FILE_TOO_LARGE",
    `The body has more than ${maxSize} MB: send a smaller photograph.`,
    {
      members: { file_size_mb: fileSize, max_size_mb: maxSize, filename: null },
    },
  );
}

function tooManyImages(count: number, max: number): PinholeError {
  return new PinholeError(
    "VALIDATION_FAILED",
    `At most ${max} photographs of one subject can be sent at once.`,
    {
      members: { errors: [{ path: "files", expected: `1 to ${max} photographs`, received: String(count) }] },
    },
  );
}

function noImageField(): PinholeError {
  return new PinholeError(
    "NO_IMAGE",
    "The form has no photograph: send one to eight in the fields `file` or `files`.",
  );
}
