/**
 * Prints what each decoder costs on photographs of several sizes and kinds: the table of
 * docs/decisions/0013-decoders.md. On a quiet machine, about a minute:
 *
 *   MALLOC_ARENA_MAX=2 bun --no-env-file test/golden/decoders.ts
 */
import sharp from "sharp";
import { BufferPool } from "../../src/inference/buffer-pool.ts";
import type { DecoderName, ImageDecoder } from "../../src/inference/decode.ts";
import { openDecoders } from "../../src/inference/decoders/decoders.ts";
import { validateImage } from "../../src/inference/validate.ts";
import { median } from "../system/held.ts";
import { LIMITS } from "./cases.ts";

const TARGET = { width: 224, height: 224, fit: "cover", crop: 1 } as const;
const LEAVES = new URL("../fixtures/leaves/", import.meta.url);
const TILE = 256;
const ROUNDS = 5;
const ROUND_MS = 250;

const KINDS: [width: number, height: number, format: "jpeg" | "png" | "webp"][] = [
  [256, 256, "jpeg"],
  [640, 480, "jpeg"],
  [1280, 960, "jpeg"],
  [1283, 961, "jpeg"],
  [4000, 3000, "jpeg"],
  [4001, 3001, "jpeg"],
  [256, 256, "png"],
  [640, 480, "png"],
  [256, 256, "webp"],
  [640, 480, "webp"],
];

/** Leaves side by side, always the same ones. */
async function mosaic(width: number, height: number, format: "jpeg" | "png" | "webp"): Promise<Uint8Array> {
  const names = [...new Bun.Glob("*.jpg").scanSync(LEAVES.pathname)].sort();
  const across = Math.ceil(width / TILE);
  const tiles = Array.from({ length: across * Math.ceil(height / TILE) }, (_, i) => ({
    input: `${LEAVES.pathname}${names[(i * 7) % names.length]}`,
    left: (i % across) * TILE,
    top: Math.floor(i / across) * TILE,
  }));
  const sheet = { width: across * TILE, height: Math.ceil(height / TILE) * TILE, channels: 3 } as const;
  const whole = await sharp({ create: { ...sheet, background: "black" } })
    .composite(tiles)
    .png()
    .toBuffer();
  const cut = sharp(whole).extract({ left: 0, top: 0, width, height });
  return new Uint8Array(await cut.toFormat(format, { quality: 85 }).toBuffer());
}

type Work = () => Promise<unknown>;

/** CPU ms of the process for each picture, `atOnce` of them at a time. */
async function cpuMs(work: Work, atOnce: number): Promise<number> {
  const until = performance.now() + ROUND_MS;
  const before = process.cpuUsage();
  let done = 0;
  const lane = async () => {
    do {
      await work();
      done++;
    } while (performance.now() < until);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / done;
}

const memory = new BufferPool({ maxBytes: 256 * 1024 * 1024 });
let by: DecoderName | null = null;
const onDecoded = (name: DecoderName) => {
  by = name;
};
const auto = await openDecoders({ maxPixels: LIMITS.maxPixels, memory, onDecoded });
const sharpOnly = await openDecoders({ maxPixels: LIMITS.maxPixels, memory, decoders: "sharp" });

console.log(
  "| photograph | kilobytes | served by | CPU ms, 1 / 2 at once | sharp alone | Bun.Image, as a stored PNG |",
);
console.log("|---|---|---|---|---|---|");
for (const [width, height, format] of KINDS) {
  const bytes = await mosaic(width, height, format);
  const image = { bytes, filename: null, contentType: null };
  const header = validateImage(image, LIMITS);
  const through = (decoder: ImageDecoder) => async () => {
    memory.give((await decoder.decode(image, header, TARGET)).data.buffer);
  };
  const works: Work[] = [
    through(auto),
    through(sharpOnly),
    () => new Bun.Image(bytes).png({ compressionLevel: 0 }).bytes(),
  ];
  const found: number[][][] = works.map(() => [[], []]);
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, work] of works.entries())
      for (const atOnce of [1, 2]) found[i]![atOnce - 1]!.push(await cpuMs(work, atOnce));
  await works[0]!();
  const cells = found.map((rows) => rows.map((row) => median(row).toFixed(2)).join(" / "));
  const size = `${width} x ${height} ${format.toUpperCase()}`;
  console.log(`| ${size} | ${Math.round(bytes.length / 1024)} | ${by} | ${cells.join(" | ")} |`);
}
