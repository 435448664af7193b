import http, { type FileData } from "k6/http";

/** A JPEG whose bytes nobody has sent before, or that many send: the server's cache goes by the bytes. */
export interface Photograph {
  name: string;
  bytes: ArrayBuffer;
}

const NAMES = [
  "potato_early_blight.jpg",
  "potato_late_blight.jpg",
  "tomato_bacterial_spot.jpg",
  "tomato_healthy.jpg",
  "tomato_leaf_mold.jpg",
  "tomato_yellow_leaf_curl_virus.jpg",
];

const STAMP_LENGTH = 20;
/** FF FE and the length of what follows, itself included: a comment (ITU-T T.81, B.2.4.5). */
const COMMENT = [0xff, 0xfe, 0, 2 + STAMP_LENGTH];

/** Each with room for a comment right after SOI: the picture stays the same, the bytes do not. */
const PHOTOGRAPHS: Photograph[] = NAMES.map((name) => {
  const jpeg = new Uint8Array(open(import.meta.resolve(`../../../test/fixtures/leaves/${name}`), "b"));
  const bytes = new Uint8Array(jpeg.length + COMMENT.length + STAMP_LENGTH);
  bytes.set(jpeg.subarray(0, 2));
  bytes.set(COMMENT, 2);
  bytes.set(jpeg.subarray(2), 2 + COMMENT.length + STAMP_LENGTH);
  return { name, bytes: bytes.buffer };
});

/** Of this client, so that two clients or two runs never send the same bytes. */
const CLIENT = Math.random().toString(36).slice(2, 10).padEnd(8, "0");
let sent = 0;

/** A photograph that is new to every cache. Valid until the next call for the same picture. */
export function newPhotograph(): Photograph {
  sent++;
  return stamped(sent, `${CLIENT}${sent}`);
}

/** The same bytes for everyone who asks for this number. */
export function knownPhotograph(number: number): Photograph {
  return stamped(number, `known ${number}`);
}

export function asFile({ name, bytes }: Photograph): FileData {
  return http.file(bytes, name, "image/jpeg");
}

/** Where one request carries several, each needs bytes of its own. */
export function copyOf({ name, bytes }: Photograph): Photograph {
  return { name, bytes: bytes.slice(0) };
}

function stamped(number: number, stamp: string): Photograph {
  const photograph = PHOTOGRAPHS[number % PHOTOGRAPHS.length]!;
  const text = new Uint8Array(photograph.bytes, 2 + COMMENT.length, STAMP_LENGTH);
  text.fill(0x20);
  for (let i = 0; i < Math.min(stamp.length, STAMP_LENGTH); i++) text[i] = stamp.charCodeAt(i);
  return photograph;
}
