import { crc32, deflateSync } from "node:zlib";

/** Numbers 0..1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Something like a leaf on something like soil: a PNG that no cache has seen, unless it saw this seed. */
export function photograph(seed: number, side = 256): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const rows = new Uint8Array(side * (1 + side * 3));
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [dx, dy] = [(x / side - 0.5) * 2.6, (y / side - 0.5) * 2.1];
      const vein = Math.abs(dx) < 0.03 || Math.abs(dy - Math.abs(dx)) % 0.4 < 0.02;
      const leaf = dx * dx + dy * dy < 0.9;
      const grain = random() * 28 - 14;
      const color = leaf ? (vein ? [150, 190, 110] : [60, 130, 50]) : [120, 95, 70];
      for (const [channel, value] of color.entries())
        rows[y * (1 + side * 3) + 1 + x * 3 + channel] = value + grain;
    }
  }
  return png(side, side, deflateSync(rows, { level: 1 }));
}

/** A PNG file of 8-bit RGB around these compressed rows; its header claims what it is told (PNG section 11.2). */
export function png(width: number, height: number, compressed: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const file = [signature, chunk("IHDR", header), chunk("IDAT", compressed), chunk("IEND", new Uint8Array())];
  return new Uint8Array(Buffer.concat(file));
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
