import { constants, crc32, createDeflate, deflateSync } from "node:zlib";
import { ascii, INVALID, image, PIXELS, SERVED, type Specimen } from "./specimen.ts";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MIB = 1024 * 1024;

export function chunk(type: string, data: Uint8Array = new Uint8Array()): Buffer {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length);
  bytes.write(type, 4, "latin1");
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8);
  return bytes;
}

interface Kind {
  width: number;
  height: number;
  depth: number;
  /** 0 grey, 2 RGB, 6 RGBA. */
  colour: 0 | 2 | 6;
  interlaced?: boolean;
}

const CHANNELS = { 0: 1, 2: 3, 6: 4 } as const;
/** Adam7: first column and row of each pass, and how far to the next (PNG, 8.2). */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

export function header({ width, height, depth, colour, interlaced = false }: Kind): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width);
  data.writeUInt32BE(height, 4);
  data.set([depth, colour, 0, 0, interlaced ? 1 : 0], 8);
  return chunk("IHDR", data);
}

function dataBytes({ width, height, depth, colour, interlaced = false }: Kind): number {
  const rows = (columns: number, lines: number) =>
    columns > 0 && lines > 0 ? lines * (1 + Math.ceil((columns * depth * CHANNELS[colour]) / 8)) : 0;
  if (!interlaced) return rows(width, height);
  return PASSES.reduce(
    (sum, [x, y, dx, dy]) => sum + rows(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)),
    0,
  );
}

/** So many zeros, compressed as one stream, without ever holding them. */
async function zeros(bytes: number): Promise<Buffer> {
  const stream = createDeflate({ level: constants.Z_BEST_SPEED });
  const parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => parts.push(part));
  const ended = new Promise<void>((resolve, reject) => stream.on("end", resolve).on("error", reject));
  const block = Buffer.alloc(MIB);
  for (let left = bytes; left > 0; left -= MIB) {
    const room = stream.write(left < MIB ? block.subarray(0, left) : block);
    if (!room) await new Promise((resolve) => stream.once("drain", resolve));
  }
  stream.end();
  await ended;
  return Buffer.concat(parts);
}

/** A valid black PNG. */
export async function black(kind: Kind): Promise<Buffer> {
  return Buffer.concat([SIGNATURE, header(kind), chunk("IDAT", await zeros(dataBytes(kind))), chunk("IEND")]);
}

/** The chunk, so many times, after the header. */
export function stuffed(png: Uint8Array, part: Buffer, copies: number): Buffer {
  return Buffer.concat([png.subarray(0, 33), Buffer.alloc(copies * part.length, part), png.subarray(33)]);
}

const text = (body: Uint8Array) => Buffer.concat([ascii("a\0\0"), body]);

export async function pngBombs(png: Uint8Array): Promise<Specimen[]> {
  const bomb = deflateSync(Buffer.alloc(100 * MIB), { level: 9 });
  const large = { width: 7000, height: 7000 };
  return [
    image(
      "49 MP of 16 bits, interlaced",
      await black({ ...large, depth: 16, colour: 2, interlaced: true }),
      PIXELS,
    ),
    image(
      "24 MP of 16 bits, interlaced",
      await black({ width: 4900, height: 4900, depth: 16, colour: 2, interlaced: true }),
      SERVED,
    ),
    image("49 MP of 8 bits", await black({ ...large, depth: 8, colour: 2 }), SERVED),
    image("49 MP of one bit", await black({ ...large, depth: 1, colour: 0 }), SERVED),
    image("51 MP of one bit", await black({ width: 7200, height: 7200, depth: 1, colour: 0 }), PIXELS),
    image(
      "50 million pixels in one row",
      await black({ width: 50_000_000, height: 1, depth: 1, colour: 0 }),
      PIXELS,
    ),
    image(
      "a million rows of one pixel",
      await black({ width: 1, height: 1_000_000, depth: 1, colour: 0 }),
      PIXELS,
    ),
    image("65,535 x 762", await black({ width: 65_535, height: 762, depth: 1, colour: 0 }), SERVED),
    image("1 x 65,535", await black({ width: 1, height: 65_535, depth: 1, colour: 0 }), SERVED),
    image("20 zTXt of 100 MB each", stuffed(png, chunk("zTXt", text(bomb)), 20), SERVED, INVALID),
    image(
      "20 iTXt of 100 MB each",
      stuffed(png, chunk("iTXt", Buffer.concat([ascii("a\0\x01\0\0\0"), bomb])), 20),
      SERVED,
      INVALID,
    ),
    image("an ICC profile of 100 MB", stuffed(png, chunk("iCCP", text(bomb)), 1), SERVED, INVALID),
    image("an EXIF block of 65,535 entries", stuffed(png, chunk("eXIf", HOLLOW), 1), SERVED, INVALID),
    image("400,000 EXIF blocks", stuffed(png, chunk("eXIf", HOLLOW), 400_000), INVALID),
    image("30,000 EXIF blocks", stuffed(png, chunk("eXIf", HOLLOW), 30_000), SERVED),
    image("500,000 empty texts", stuffed(png, chunk("tEXt", ascii("a\0")), 500_000), INVALID),
    image("700,000 unknown chunks", stuffed(png, chunk("abCd"), 700_000), INVALID),
    image("250,000 frames", stuffed(png, chunk("fcTL", Buffer.alloc(26)), 250_000), INVALID),
    image("700,000 empty pieces of picture", stuffed(png, chunk("IDAT"), 700_000), SERVED, INVALID),
    image("more picture than the header says", moreThanSaid(100 * MIB), SERVED, INVALID),
  ];
}

const HOLLOW = Buffer.from([0x49, 0x49, 0x2a, 0, 8, 0, 0, 0, 0xff, 0xff]);

function moreThanSaid(bytes: number): Buffer {
  const said = header({ width: 8, height: 8, depth: 8, colour: 2 });
  return Buffer.concat([SIGNATURE, said, chunk("IDAT", deflateSync(Buffer.alloc(bytes))), chunk("IEND")]);
}

/** Sixty bytes or so that claim a picture larger than any memory. */
export function pixelFloods(): Specimen[] {
  const u16 = (value: number) => [value & 0xff, value >> 8];
  const png = Buffer.concat([
    SIGNATURE,
    header({ width: 60_000, height: 60_000, depth: 16, colour: 6 }),
    chunk("IDAT", deflateSync(new Uint8Array())),
    chunk("IEND"),
  ]);
  const widest = Buffer.concat([
    SIGNATURE,
    header({ width: 0x7fffffff, height: 0x7fffffff, depth: 16, colour: 6 }),
    chunk("IDAT"),
    chunk("IEND"),
  ]);
  const gif = [...ascii("GIF89a"), 0xff, 0xff, 0xff, 0xff, 0, 0, 0];
  const frame = [0x2c, 0, 0, 0, 0, ...u16(65_535), ...u16(65_535), 0, 2, 1, 0x44, 0, 0x3b];
  const speck = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 0x01, 0, 0x3b];
  const jpeg = [0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0];
  const scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0xff, 0xd9];
  const riff = (body: Buffer) => {
    const head = Buffer.from("RIFF\0\0\0\0", "latin1");
    head.writeUInt32LE(body.length, 4);
    return Buffer.concat([head, body]);
  };
  const vp8l = Buffer.from("VP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f\0\0\0\0\0", "latin1");
  const vp8x = Buffer.from("VP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff", "latin1");
  return [
    image("PNG of 60,000 x 60,000", png, PIXELS),
    image("PNG of 2^31 x 2^31", widest, PIXELS),
    image("GIF of 65,535 x 65,535", Buffer.from([...gif, ...frame]), INVALID),
    image("GIF of one pixel on 65,535 x 65,535", Buffer.from([...gif, ...speck]), PIXELS),
    image("JPEG of 65,535 x 65,535", Buffer.from([...jpeg, ...scan]), PIXELS),
    image("WebP of 16,384 x 16,384", riff(Buffer.concat([ascii("WEBP"), vp8l])), PIXELS),
    image("WebP of 2^24 x 2^24", riff(Buffer.concat([ascii("WEBP"), vp8x, vp8l])), PIXELS),
  ];
}
