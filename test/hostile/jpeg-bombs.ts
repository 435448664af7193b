import { ascii, INVALID, image, PIXELS, SCANS, SERVED, type Specimen } from "./specimen.ts";

const SOI = [0xff, 0xd8];
const EOI = [0xff, 0xd9];

/** Entropy-coded bits, the byte after a 0xff stuffed (T.81, B.1.1.5). */
class BitWriter {
  readonly #bytes: number[] = [];
  #held = 0;
  #bits = 0;

  put(value: number, bits: number): void {
    for (let bit = bits - 1; bit >= 0; bit--) {
      this.#held = (this.#held << 1) | ((value >> bit) & 1);
      if (++this.#bits < 8) continue;
      this.#bytes.push(this.#held);
      if (this.#held === 0xff) this.#bytes.push(0);
      this.#held = 0;
      this.#bits = 0;
    }
  }

  /** Padded with ones. */
  finish(): Uint8Array {
    while (this.#bits !== 0) this.put(1, 1);
    return Uint8Array.from(this.#bytes);
  }
}

export function segment(marker: number, body: Uint8Array | readonly number[]): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, Buffer.from(body)]);
}

const u16 = (value: number) => [value >> 8, value & 0xff];

/** All DC differences are zero, which is code "0"; EOBn runs of zero blocks have the codes n, in four bits. */
const TABLES = [
  segment(0xdb, [0, ...Array<number>(64).fill(1)]),
  segment(0xc4, [0x00, 1, ...Array<number>(15).fill(0), 0]),
  segment(0xc4, [
    0x10,
    ...[0, 0, 0, 15],
    ...Array<number>(12).fill(0),
    ...Array.from({ length: 15 }, (_, n) => n << 4),
  ]),
];

function frame(width: number, height: number, components: number): Buffer {
  const each = Array.from({ length: components }, (_, i) => [i + 1, 0x11, 0]).flat();
  return segment(0xc2, [8, ...u16(height), ...u16(width), components, ...each]);
}

function scan(components: readonly number[], from: number, to: number, high: number, low: number): Buffer {
  const each = components.flatMap((id) => [id, 0x00]);
  return segment(0xda, [components.length, ...each, from, to, (high << 4) | low]);
}

function dcData(blocks: number): Uint8Array {
  const data = new Uint8Array(Math.ceil(blocks / 8));
  const spare = data.length * 8 - blocks;
  if (spare > 0) data[data.length - 1] = (1 << spare) - 1;
  return data;
}

/** So many blocks without a coefficient, as runs of up to 32,767 (T.81, G.1.2.2). */
function emptyBlocks(blocks: number): Uint8Array {
  const bits = new BitWriter();
  for (let left = blocks; left > 0; ) {
    const run = Math.min(left, 32_767);
    const size = Math.floor(Math.log2(run));
    bits.put(size, 4);
    bits.put(run - (1 << size), size);
    left -= run;
  }
  return bits.finish();
}

/**
 * A valid, grey progressive JPEG (T.81, annex G): one DC scan, then each coefficient from its 13th bit down, a
 * scan for each bit. Every scan makes the decoder visit every block, and costs some 60 bytes.
 * @param acScans 0 to 882
 */
export function scanBomb(width: number, height: number, acScans: number): Buffer {
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  const empty = emptyBlocks(blocks);
  const parts = [Buffer.from(SOI), ...TABLES, frame(width, height, 1), scan([1], 0, 0, 0, 0), dcData(blocks)];
  for (let n = 0; n < acScans; n++) {
    const coefficient = 1 + Math.floor(n / 14);
    const low = 13 - (n % 14);
    parts.push(scan([1], coefficient, coefficient, low === 13 ? 0 : low + 1, low), empty);
  }
  return Buffer.concat([...parts, Buffer.from(EOI)]);
}

/** Three components at full resolution: all coefficients are held until the last scan has come. */
export function progressive444(width: number, height: number): Buffer {
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  const empty = emptyBlocks(blocks);
  const ac = [1, 2, 3].flatMap((id) => [scan([id], 1, 63, 0, 0), empty]);
  return Buffer.concat([
    Buffer.from(SOI),
    ...TABLES,
    frame(width, height, 3),
    scan([1, 2, 3], 0, 0, 0, 0),
    dcData(blocks * 3),
    ...ac,
    Buffer.from(EOI),
  ]);
}

/** The segment, again and again, before everything else of the picture. */
export function stuffed(jpeg: Uint8Array, part: Buffer, bytes: number): Buffer {
  const copies = Math.floor(bytes / part.length);
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.alloc(copies * part.length, part), jpeg.subarray(2)]);
}

const MIB = 1024 * 1024;
const exif = (body: readonly number[]) => segment(0xe1, [...ascii("Exif\0\0"), ...body]);
/** A directory that claims 65,535 entries, and none of them. */
const HOLLOW = [0x49, 0x49, 0x2a, 0, 8, 0, 0, 0, 0xff, 0xff];
/** A directory whose next directory is itself. */
const CIRCLE = [0x49, 0x49, 0x2a, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 0];

const profile = (sequence: number, count: number, body: Uint8Array) =>
  segment(0xe2, [...ascii("ICC_PROFILE\0"), sequence, count, ...body]);

export function jpegBombs(jpeg: Uint8Array): Specimen[] {
  const tags = Buffer.alloc(60_000, 0xff);
  const many = Array.from({ length: 150 }, (_, i) => profile(i + 1, 150, tags));
  const withParts = (...parts: Buffer[]) => Buffer.concat([jpeg.subarray(0, 2), ...parts, jpeg.subarray(2)]);
  return [
    image("883 scans over 49 MP", scanBomb(7000, 7000, 882), PIXELS, SCANS),
    image("883 scans over 24 MP", scanBomb(4900, 4900, 882), SCANS),
    image("883 scans over 64 pixels", scanBomb(8, 8, 882), SCANS),
    image("65 scans", scanBomb(64, 64, 64), SCANS),
    image("the most scans that are taken: 41 over 24 MP", scanBomb(4900, 4900, 40), SERVED),
    image("49 MP progressive 4:4:4", progressive444(7000, 7000), PIXELS),
    image("24 MP progressive 4:4:4", progressive444(4900, 4900), SERVED),
    image("100,000 empty scans", stuffed(scanBomb(8, 8, 0), segment(0xda, []), 400_000), INVALID),
    image("2 million empty APP1", stuffed(jpeg, segment(0xe1, []), 9 * MIB), INVALID),
    image("2 million empty comments", stuffed(jpeg, segment(0xfe, []), 9 * MIB), INVALID),
    image("30,000 empty APP1", stuffed(jpeg, segment(0xe1, []), 120_000), SERVED),
    image("400,000 EXIF blocks", stuffed(jpeg, exif(HOLLOW), 9 * MIB), INVALID),
    image("an EXIF directory of 65,535 entries", withParts(exif(HOLLOW)), SERVED),
    image("an EXIF directory in a circle", withParts(exif(CIRCLE)), SERVED),
    image("140 comments of 64 KB", stuffed(jpeg, segment(0xfe, Buffer.alloc(65_000, 0x41)), 9 * MIB), SERVED),
    image("9 MB of ICC profile", withParts(...many), SERVED, INVALID),
    image("a second ICC chunk that never comes", withParts(profile(1, 2, tags)), SERVED, INVALID),
    image("9 MB of padding before a marker", stuffed(jpeg, Buffer.from([0xff]), 9 * MIB), SERVED, INVALID),
    image("49 MP baseline by its header only", claiming(jpeg, 7000, 7000), INVALID),
  ];
}

/** The picture with another size written into its frame header. */
function claiming(jpeg: Uint8Array, width: number, height: number): Buffer {
  const copy = Buffer.from(jpeg);
  const at = copy.indexOf(Buffer.from([0xff, 0xc0]));
  copy.writeUInt16BE(height, at + 5);
  copy.writeUInt16BE(width, at + 7);
  return copy;
}
