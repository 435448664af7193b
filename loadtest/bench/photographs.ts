import { mkdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { seededRandom } from "./random.ts";

export interface PhotographKind {
  width: number;
  height: number;
  /** How many different ones there are. */
  count: number;
  /** Side of a tile of the mosaic, in pixels. */
  tile: number;
}

/** By the name that tables and options have for them. */
export const PHOTOGRAPHS = {
  "256x256": { width: 256, height: 256, count: 256, tile: 256 },
  "1280x960": { width: 1280, height: 960, count: 32, tile: 960 },
  "12MP": { width: 4000, height: 3000, count: 8, tile: 1000 },
} satisfies Record<string, PhotographKind>;
export type PhotographName = keyof typeof PHOTOGRAPHS;
export const PHOTOGRAPH_NAMES = Object.keys(PHOTOGRAPHS) as PhotographName[];

export interface Photographs {
  name: PhotographName;
  files: readonly string[];
  /** Of one, on average. */
  kilobytes: number;
}

const FIXTURES = new URL("../../test/fixtures/leaves", import.meta.url).pathname;
/** Git ignores it. */
const CACHE_DIR = new URL("../.cache/photographs", import.meta.url).pathname;
/** Another number for other pictures, so that nobody measures old ones. */
const EDITION = 1;
/** JPEG quality: what keeps a kilobyte the size that it has in photographs sent over the web. */
const QUALITY = { least: 62, most: 78 };

/**
 * Photographs of one kind, made of the leaves of test/fixtures once and kept: mosaics of parts of them, cut,
 * turned, enlarged and saved at a quality by a seeded random, so that each is another picture of another length.
 * The same on every machine as far as the pixels go (the encoder's build may differ).
 */
export async function photographs(name: PhotographName, parent = CACHE_DIR): Promise<Photographs> {
  const kind: PhotographKind = PHOTOGRAPHS[name];
  const folder = join(parent, `${name}-${EDITION}`);
  await mkdir(folder, { recursive: true });
  const leaves = await readLeaves();
  const files: string[] = [];
  let bytes = 0;
  for (let index = 0; index < kind.count; index++) {
    const file = join(folder, `${String(index).padStart(3, "0")}.jpg`);
    if (!(await stat(file).catch(() => null))) {
      await Bun.write(`${file}.${process.pid}`, await mosaic(leaves, kind, index));
      await rename(`${file}.${process.pid}`, file);
    }
    files.push(file);
    bytes += Bun.file(file).size;
  }
  return { name, files, kilobytes: bytes / files.length / 1000 };
}

async function readLeaves(): Promise<Buffer[]> {
  const names = [...new Bun.Glob("*.jpg").scanSync({ cwd: FIXTURES })].sort();
  return Promise.all(names.map(async (name) => Buffer.from(await Bun.file(join(FIXTURES, name)).bytes())));
}

/** @returns a baseline JPEG, 4:2:0, as small as its quality makes it */
export async function mosaic(
  leaves: readonly Buffer[],
  kind: PhotographKind,
  index: number,
): Promise<Uint8Array> {
  const { width, height, tile } = kind;
  const random = seededRandom(index + 1);
  const upTo = (end: number) => random() % end;
  const tiles: { input: Buffer; left: number; top: number }[] = [];
  for (let top = 0; top < height; top += tile) {
    for (let left = 0; left < width; left += tile) {
      const size = { width: Math.min(tile, width - left), height: Math.min(tile, height - top) };
      tiles.push({ input: await part(leaves[upTo(leaves.length)]!, size, upTo), left, top });
    }
  }
  const quality = QUALITY.least + upTo(QUALITY.most - QUALITY.least + 1);
  const ground = { width, height, channels: 3 as const, background: "white" };
  return await sharp({ create: ground }).composite(tiles).jpeg({ quality }).toBuffer();
}

/** A square part of a leaf's photograph, turned, as a PNG of this size. */
async function part(
  leaf: Buffer,
  size: { width: number; height: number },
  upTo: (end: number) => number,
): Promise<Buffer> {
  const { width, height } = await sharp(leaf).metadata();
  const side = Math.min(width, height) - upTo(Math.floor(Math.min(width, height) / 4));
  const cut = {
    left: upTo(width - side + 1),
    top: upTo(height - side + 1),
    width: side,
    height: side,
  };
  return await sharp(leaf)
    .extract(cut)
    .rotate(90 * upTo(4))
    .flop(upTo(2) === 1)
    .resize(size.width, size.height)
    .png({ compressionLevel: 1 })
    .toBuffer();
}
