import type { DecoderOptions } from "./decode.ts";
import type { DecodeTarget } from "./decode-size.ts";
import { normaliseGrid, renderOverlay } from "./explain.ts";
import type { EncodedImage } from "./image.ts";
import type { ActivationMap } from "./messages.ts";
import type { Explanation } from "./prediction.ts";

/**
 * Where the network looked, as numbers and laid over the photograph.
 * @param caps bounds of decoding it once more
 * @param target how the photograph was fitted: the map covers what the model saw of it
 */
export async function explain(
  image: EncodedImage,
  map: ActivationMap,
  target: DecodeTarget,
  caps: DecoderOptions,
): Promise<Explanation> {
  const grid = normaliseGrid(map);
  return { grid, overlay: await renderOverlay(image, grid, caps, target) };
}
