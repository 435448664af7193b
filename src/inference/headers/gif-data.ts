import { invalidImage } from "./invalid.ts";

const TABLE_CODES = 4096;
/**
 * Most codes that are read, some 40 ms. Ten megabytes hold seven million of the usual 12 bits; those who start
 * their table anew all the time get five times as many into them.
 */
const MOST_CODES = 8_000_000;
const NO_CODE = -1;

/**
 * How many pixels a frame's compressed data hold. Decoders fill what is missing with black and say nothing, so
 * that is how one learns that something is. Nothing is unpacked: each code's length is that of the code it
 * extends and one.
 *
 * @param at offset of the frame's code size, its sub-blocks after it; they have been walked to their end
 * @param enough to stop counting at
 * @throws PinholeError INVALID_IMAGE where they are more codes than a photograph has
 * @see CompuServe GIF89a, 22 and appendix F
 */
export function countGifPixels(bytes: Uint8Array, at: number, enough: number): number {
  const codeSize = bytes[at]!;
  if (codeSize < 1 || codeSize > 11) return 0;
  const clear = 1 << codeSize;
  const end = clear + 1;
  const lengths = new Uint16Array(TABLE_CODES).fill(1, 0, clear);

  let pixels = 0;
  let codes = 0;
  let next = end + 1;
  let width = codeSize + 1;
  let previous = NO_CODE;
  let bits = 0;
  let held = 0;
  for (let block = at + 1; bytes[block] !== 0; block += 1 + bytes[block]!) {
    const blockEnd = block + 1 + bytes[block]!;
    if (codes > MOST_CODES)
      throw invalidImage("The GIF is packed too poorly to be looked through: save it as PNG.");
    for (let i = block + 1; i < blockEnd; i++) {
      bits |= bytes[i]! << held;
      held += 8;
      while (held >= width) {
        const code = bits & ((1 << width) - 1);
        bits >>>= width;
        held -= width;
        codes++;
        if (code === end) return pixels;
        if (code === clear) {
          next = end + 1;
          width = codeSize + 1;
          previous = NO_CODE;
          continue;
        }
        const known = code < next;
        // A code that comes before it is defined can only be the next one.
        if (!known && (code !== next || previous === NO_CODE)) return pixels;
        if (previous !== NO_CODE && next < TABLE_CODES) {
          lengths[next++] = lengths[previous]! + 1;
          if (next === 1 << width && width < 12) width++;
        }
        pixels += lengths[code]!;
        if (pixels >= enough) return pixels;
        previous = code;
      }
    }
  }
  return pixels;
}
