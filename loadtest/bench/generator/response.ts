/** One HTTP/1.1 response as far as a load generator needs it. */
export interface HttpResponse {
  status: number;
  body: Buffer;
  /** Whether the connection may be used again. */
  keepAlive: boolean;
}

/** What came is no HTTP/1.1 response, or one without an end that could be known. */
export class ResponseError extends Error {
  override readonly name = "ResponseError";
}

const HEAD_END = "\r\n\r\n";

/**
 * Reads the response that stands at the start of `bytes`, framed by Content-Length or in chunks (RFC 9112).
 * Whatever follows it is left alone: nothing is sent before an answer is whole.
 * @returns null when more must come
 * @throws ResponseError
 */
export function readResponse(bytes: Buffer): HttpResponse | null {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return null;
  const head = bytes.toString("latin1", 0, headEnd);
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
  if (Number.isNaN(status)) throw new ResponseError("not an HTTP/1.1 response");
  const keepAlive = !/\r\nconnection: *close/i.test(head);
  const content = bytes.subarray(headEnd + HEAD_END.length);
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const body = readChunks(content);
    return body && { status, body, keepAlive };
  }
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]);
  if (Number.isNaN(length)) throw new ResponseError("a response of unknown length");
  return content.length < length ? null : { status, body: content.subarray(0, length), keepAlive };
}

function readChunks(bytes: Buffer): Buffer | null {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    if (Number.isNaN(size)) throw new ResponseError("a damaged chunk");
    const start = lineEnd + 2;
    if (bytes.length < start + size + 2) return null;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
}
