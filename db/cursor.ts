import { PinholeError } from "../src/errors.ts";

/** Where a page ends: the last row that was given. The next page starts after it, whatever came in meanwhile. */
export interface Position {
  createdAt: number;
  id: string;
}

/** Before the newest row there can be: where the first page starts. */
export const NEWEST: Position = { createdAt: Number.MAX_SAFE_INTEGER, id: "" };

const SHAPE = /^(\d{1,16})\.([0-9a-f]{32})$/;

/** A cursor as callers see it: opaque, safe in a URL. */
export function encodeCursor({ createdAt, id }: Position): string {
  return new TextEncoder()
    .encode(`${createdAt}.${id}`)
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/** @throws {PinholeError} VALIDATION_FAILED for anything that `encodeCursor` did not make */
export function decodeCursor(cursor: string): Position {
  const [, createdAt, id] = SHAPE.exec(fromBase64(cursor)) ?? [];
  if (createdAt === undefined || id === undefined) {
    const errors = [
      { path: "cursor", expected: "a cursor of the page before", received: cursor.slice(0, 100) },
    ];
    throw new PinholeError(
      "VALIDATION_FAILED",
      "The cursor is not one that this server gave; leave it out to start anew.",
      {
        members: { errors },
      },
    );
  }
  return { createdAt: Number(createdAt), id };
}

function fromBase64(text: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(text, { alphabet: "base64url" }));
  } catch {
    return "";
  }
}
