import { PinholeError } from "../errors.ts";

const MOST_BYTES = 4096;

/**
 * The small JSON body of an operator's request, bounded while it is read.
 * @throws PinholeError INVALID_REQUEST (no JSON, or not declared as JSON), FILE_TOO_LARGE
 */
export async function readJson(request: Request): Promise<unknown> {
  const [type] = (request.headers.get("content-type") ?? "").split(";") as [string];
  if (type.trim().toLowerCase() !== "application/json")
    throw new PinholeError("INVALID_REQUEST", "Send the body as Content-Type: application/json.");
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES)
      throw new PinholeError("FILE_TOO_LARGE", `The body may have ${MOST_BYTES} bytes at most.`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    throw new PinholeError("INVALID_REQUEST", "The body is no JSON.");
  }
}
