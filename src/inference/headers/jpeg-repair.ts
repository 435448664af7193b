import { EOI, isStandalone, nextMarker, SOS, segmentEnd } from "./jpeg-markers.ts";

/**
 * Some phones write a sequential JPEG's scan header with the spectral selection of a progressive one. The
 * picture is whole all the same; decoders only warn, but a decoder that is told to stop at warnings, as ours is
 * so that cut-off data never pass, stops at this one, too.
 *
 * @param bytes a sequential JPEG that `readJpegHeader` passed
 * @returns a copy whose scan headers say what sequential ones must (T.81, B.2.3: Ss 0, Se 63, Ah and Al 0)
 */
export function withSequentialScans(bytes: Uint8Array): Uint8Array {
  const repaired = new Uint8Array(bytes);
  let at = nextMarker(repaired, 2);
  while (repaired[at - 1] !== EOI) {
    if (!isStandalone(repaired[at - 1]!)) {
      const end = segmentEnd(repaired, at);
      if (repaired[at - 1] === SOS && end - at >= 6) repaired.set([0, 63, 0], end - 3);
      at = end;
    }
    at = nextMarker(repaired, at);
  }
  return repaired;
}
