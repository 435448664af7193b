import { expect, test } from "bun:test";
import { copyUpright } from "./upright.ts";

/** A picture of 3 x 2 pixels, and what it is upright: a letter stands for a pixel. */
const STORED = "abc def";
const UPRIGHT = ["abc def", "cba fed", "fed cba", "def abc", "ad be cf", "da eb fc", "fc eb da", "cf be ad"];

function pixels(picture: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    [...picture.replaceAll(" ", "")].flatMap((pixel) => [1, 2, 3].map((n) => pixel.charCodeAt(0) * n)),
  );
}

test.each(UPRIGHT.map((upright, i) => [i + 1, upright] as const))(
  "orientation %i",
  (orientation, upright) => {
    const found = new Uint8Array(18);
    copyUpright(pixels(STORED), { width: 3, height: 2 }, orientation, found);
    expect(found).toEqual(pixels(upright));
  },
);
