/**
 * What libvips would round down, or do by a press profile, done here as browsers and Pillow do it.
 * All samples u8, interleaved, row by row.
 */

/** CMYK (255: all ink), to RGB: each colour is what its ink and the black leave of white. */
export function rgbFromInks(inks: Uint8Array): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4, to += 3) {
    const light = 255 - inks[from + 3]!;
    rgb[to] = share(255 - inks[from]!, light);
    rgb[to + 1] = share(255 - inks[from + 1]!, light);
    rgb[to + 2] = share(255 - inks[from + 2]!, light);
  }
  return rgb;
}

/** RGBA (not premultiplied), to RGB on white. */
export function rgbOnWhite(rgba: Uint8Array): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3]!;
    rgb[to] = 255 - share(255 - rgba[from]!, alpha);
    rgb[to + 1] = 255 - share(255 - rgba[from + 1]!, alpha);
    rgb[to + 2] = 255 - share(255 - rgba[from + 2]!, alpha);
  }
  return rgb;
}

/** value * part / 255, rounded. Both 0..255. */
function share(value: number, part: number): number {
  const product = value * part + 128;
  return (product + (product >> 8)) >> 8;
}
