import { crc32 } from "node:zlib";
import sharp from "sharp";

/** A picture of one colour as PNG: what the small models of test/fixtures/models tell apart. */
export async function plain(r: number, g: number, b: number, side = 32): Promise<Uint8Array<ArrayBuffer>> {
  const picture = sharp({ create: { width: side, height: side, channels: 3, background: { r, g, b } } });
  return new Uint8Array(await picture.png().toBuffer());
}

/** A JPEG in several scans. */
export async function progressive(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await sharp(bytes).jpeg({ progressive: true }).toBuffer());
}

/** The picture with another size written into its PNG header, checksum and all. */
export function pngClaiming(width: number, height: number, png: Uint8Array): Uint8Array<ArrayBuffer> {
  const claimed = new Uint8Array(png);
  const view = new DataView(claimed.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  view.setUint32(29, crc32(claimed.subarray(12, 29)));
  return claimed;
}
