import exec from "k6/execution";
import http from "k6/http";
import type { Response } from "./answers.ts";
import { countPrediction } from "./answers.ts";
import { asFile, copyOf, newPhotograph, type Photograph } from "./photographs.ts";
import { BASE_URL, type Run } from "./run.ts";

const PREDICT = `${BASE_URL}/api/v1/predict`;

/**
 * Each virtual user is a client of its own, where the server trusts the load generator's address as a proxy's:
 * 198.18.0.0/15 is set aside for such tests (RFC 2544). Elsewhere the header is of no consequence.
 */
export function asClient(): Record<string, string> {
  const id = exec.vu.idInTest;
  return { "X-Forwarded-For": `198.${18 + ((id >> 16) & 1)}.${(id >> 8) & 255}.${id & 255}` };
}

/** Posts a photograph as the body itself. */
export function postRaw({ bytes }: Photograph, query = ""): Response {
  const headers = { ...asClient(), "Content-Type": "image/jpeg" };
  return http.post(PREDICT + query, bytes, { headers, tags: { name: "predict" } });
}

/** Posts a photograph as a form, as pages do. */
export function postForm(photograph: Photograph, query = ""): Response {
  return http.post(
    PREDICT + query,
    { file: asFile(photograph) },
    { headers: asClient(), tags: { name: "predict" } },
  );
}

/** Posts new photographs of one subject, up to eight, as one form. */
export function postSeveral(count: number): Response {
  const photographs = Array.from({ length: count }, () => copyOf(newPhotograph()));
  const boundary = `photographs${exec.vu.idInTest}x${exec.vu.iterationInInstance}`;
  const body = multipart(boundary, photographs);
  const headers = { ...asClient(), "Content-Type": `multipart/form-data; boundary=${boundary}` };
  return http.post(PREDICT, body, { headers, tags: { name: "predict several" } });
}

/** What most scenarios do again and again: one new photograph, posted and counted. */
export function predictOnce(run: Run, photograph: Photograph = newPhotograph()): void {
  run.iteration(() => countPrediction(postRaw(photograph), run.scenario.refusalsExpected));
}

/** k6 makes a form of an object, where every name stands once: not of eight files of one name. RFC 7578. */
function multipart(boundary: string, photographs: readonly Photograph[]): ArrayBuffer {
  const pieces: Uint8Array[] = photographs.flatMap(({ name, bytes }) => [
    ascii(
      `--${boundary}\r\nContent-Disposition: form-data; name="files"; filename="${name}"\r\nContent-Type: image/jpeg\r\n\r\n`,
    ),
    new Uint8Array(bytes),
    ascii("\r\n"),
  ]);
  pieces.push(ascii(`--${boundary}--\r\n`));
  const body = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body.buffer;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(Array.from(text), (character) => character.charCodeAt(0));
}
