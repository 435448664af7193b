import sharp from "sharp";
import { ascii, INVALID, image, SERVED, type Specimen } from "./specimen.ts";

const MIB = 1024 * 1024;

function riffChunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(8 + data.length + (data.length & 1));
  bytes.write(type, "latin1");
  bytes.writeUInt32LE(data.length, 4);
  bytes.set(data, 8);
  return bytes;
}

const webpFile = (...chunks: Buffer[]) => riffChunk("RIFF", Buffer.concat([ascii("WEBP"), ...chunks]));

/** An extended WebP's header: flags, then width and height less one, in three bytes each. */
const canvas = (flags: number, side: number) =>
  riffChunk("VP8X", Uint8Array.from([flags, 0, 0, 0, side - 1, 0, 0, side - 1, 0, 0]));

/** An animation of one pixel. Its decoder looks for each frame from the first one on. */
export async function webpFrames(frames: number): Promise<Buffer> {
  const still = await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
    .webp({ lossless: true })
    .toBuffer();
  const place = Buffer.alloc(16);
  place[12] = 10;
  const frame = riffChunk("ANMF", Buffer.concat([place, still.subarray(12)]));
  return webpFile(
    canvas(2, 1),
    riffChunk("ANIM", Buffer.alloc(6)),
    Buffer.alloc(frames * frame.length, frame),
  );
}

/** A picture of one pixel, and after it a chunk, again and again. */
async function webpChunks(type: string, flags: number, copies: number): Promise<Buffer> {
  const still = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
    .webp({ lossless: true })
    .toBuffer();
  const part = riffChunk(type, new Uint8Array());
  return webpFile(canvas(flags, 8), still.subarray(12), Buffer.alloc(copies * part.length, part));
}

const gifHead = (width: number, height: number) =>
  Buffer.from([
    ...ascii("GIF89a"),
    width & 0xff,
    width >> 8,
    height & 0xff,
    height >> 8,
    0x80,
    0,
    0,
    0,
    0,
    0,
    9,
    9,
    9,
  ]);

/** A frame, its data in sub-blocks of `blockBytes` that repeat `data`. */
function gifFrame(
  width: number,
  height: number,
  codeSize: number,
  data: Uint8Array,
  blockBytes = 255,
): Buffer {
  const head = [0x2c, 0, 0, 0, 0, width & 0xff, width >> 8, height & 0xff, height >> 8, 0, codeSize];
  const blocks = Math.ceil(data.length / blockBytes);
  const bytes = Buffer.alloc(head.length + data.length + blocks + 1);
  bytes.set(head);
  let at = head.length;
  for (let from = 0; from < data.length; from += blockBytes) {
    const part = data.subarray(from, from + blockBytes);
    bytes[at] = part.length;
    bytes.set(part, at + 1);
    at += 1 + part.length;
  }
  return bytes;
}

/** One pixel: clear, 0, end. */
const PIXEL = Uint8Array.from([0x44, 0x01]);
const TRAILER = Buffer.from([0x3b]);

export function gifFrames(frames: number): Buffer {
  const frame = gifFrame(1, 1, 2, PIXEL);
  return Buffer.concat([gifHead(1, 1), Buffer.alloc(frames * frame.length, frame), TRAILER]);
}

/** 49 MP that the data never fill, of codes that start their table anew all the time. */
export function gifClears(blockBytes: number, bytes: number): Buffer {
  return Buffer.concat([
    gifHead(7000, 7000),
    gifFrame(7000, 7000, 1, Buffer.alloc(bytes, 0b10001000), blockBytes),
    TRAILER,
  ]);
}

export async function animationBombs(): Promise<Specimen[]> {
  const comments = Buffer.alloc(9 * MIB, Buffer.from([0x21, 0xfe, 0]));
  const crumbs = Buffer.alloc(9 * MIB + 1, Buffer.from([1, 1]));
  crumbs[crumbs.length - 1] = 0;
  const picture = gifFrame(1, 1, 2, PIXEL);
  return [
    image("WebP of 200,000 frames", await webpFrames(200_000), INVALID),
    image("WebP of 1,001 frames", await webpFrames(1001), INVALID),
    image("WebP of 1,000 frames", await webpFrames(1000), SERVED),
    image("GIF of 400,000 frames", gifFrames(400_000), SERVED),
    image("WebP of 1 million unknown chunks", await webpChunks("ABCD", 0, 1_000_000), SERVED),
    image("WebP of 1 million EXIF chunks", await webpChunks("EXIF", 8, 1_000_000), SERVED),
    image("WebP of 1 million ICC chunks", await webpChunks("ICCP", 0x20, 1_000_000), SERVED),
    image("GIF of 3 million comments", Buffer.concat([gifHead(1, 1), comments, picture, TRAILER]), SERVED),
    image(
      "GIF with a comment in 5 million pieces",
      Buffer.concat([gifHead(1, 1), Buffer.from([0x21, 0xfe]), crumbs, picture, TRAILER]),
      SERVED,
    ),
    image("GIF of 40 million codes", gifClears(255, 9 * MIB), INVALID),
    image("GIF of 20 million codes, a byte a block", gifClears(1, 4.5 * MIB), INVALID),
  ];
}
