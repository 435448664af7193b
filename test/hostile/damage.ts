import type { Random } from "../system/random.ts";
import { EMPTY, INVALID, image, PIXELS, SCANS, SERVED, type Specimen, UNSUPPORTED } from "./specimen.ts";

/** Cut at every 1 %: never served. */
export function truncations(name: string, bytes: Uint8Array): Specimen[] {
  return Array.from({ length: 100 }, (_, percent) =>
    image(
      `${name} cut at ${percent} %`,
      bytes.subarray(0, Math.floor((bytes.length * percent) / 100)),
      ...(percent === 0 ? [EMPTY] : [INVALID, UNSUPPORTED]),
    ),
  );
}

/** One to eight bits flipped, in half of them near the start, where the header is. */
export function bitFlips(name: string, bytes: Uint8Array, count: number, random: Random): Specimen[] {
  return Array.from({ length: count }, (_, round) => {
    const copy = Buffer.from(bytes);
    const reach = round % 2 === 0 ? Math.min(200, copy.length) : copy.length;
    for (let n = random.whole(1, 9); n > 0; n--) copy[random.whole(0, reach)]! ^= 1 << random.whole(0, 8);
    return image(`${name} with bits flipped, ${round}`, copy, SERVED, INVALID, UNSUPPORTED, PIXELS, SCANS);
  });
}

/** Bytes that mean nothing, half of them behind the start of a picture. */
export function noise(count: number, random: Random): Specimen[] {
  const starts = [
    [],
    [0xff, 0xd8, 0xff],
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    [0x47, 0x49, 0x46, 0x38, 0x39, 0x61],
  ];
  return Array.from({ length: count }, (_, round) => {
    const bytes = random.bytes(random.whole(1, 4000));
    bytes.set(starts[round % starts.length]!.slice(0, bytes.length));
    return image(`noise ${round}`, bytes, INVALID, UNSUPPORTED, PIXELS);
  });
}
