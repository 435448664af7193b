import type { Size } from "../decode-size.ts";

/**
 * Copies a picture's pixels to where they are when it is upright.
 *
 * @param stored RGB u8, [height, width, 3]
 * @param size as stored
 * @param orientation EXIF orientation 1..8 (Exif 2.32, 4.6.4): which of its sides the first row and column are
 * @param upright receives as many bytes; [width, height, 3] for 5..8, which swap the sides
 */
export function copyUpright(
  stored: Uint8Array,
  { width, height }: Size,
  orientation: number,
  upright: Uint8Array,
): void {
  const swapped = orientation >= 5;
  const row = width * 3;
  // From one upright pixel and row to the next, in bytes of what is stored.
  const across = swapped ? row : 3;
  const down = swapped ? 3 : row;
  // The upright picture runs backwards along its rows (2, 3, 6, 7) or down its columns (3, 4, 7, 8).
  const mirrored = [2, 3, 6, 7].includes(orientation);
  const upsideDown = [3, 4, 7, 8].includes(orientation);
  const columns = swapped ? height : width;
  const rows = swapped ? width : height;
  const right = mirrored ? -across : across;
  const below = upsideDown ? -down : down;
  const first = (mirrored ? (columns - 1) * across : 0) + (upsideDown ? (rows - 1) * down : 0);
  let to = 0;
  for (let y = 0; y < rows; y++) {
    let from = first + y * below;
    for (let x = 0; x < columns; x++, from += right, to += 3) {
      upright[to] = stored[from]!;
      upright[to + 1] = stored[from + 1]!;
      upright[to + 2] = stored[from + 2]!;
    }
  }
}
