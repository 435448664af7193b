import { photographs } from "../system/photographs.ts";
import { Random } from "../system/random.ts";
import { animationBombs } from "./animation-bombs.ts";
import { bitFlips, noise, truncations } from "./damage.ts";
import { formAbuse } from "./form-abuse.ts";
import { jpegBombs } from "./jpeg-bombs.ts";
import { pixelFloods, pngBombs } from "./png-bombs.ts";
import { polyglots } from "./polyglots.ts";
import type { SpecimenGroup } from "./specimen.ts";

const FIXTURES = new URL("../fixtures/images/", import.meta.url).pathname;
const fixture = (name: string) => Bun.file(`${FIXTURES}${name}`).bytes();
const FLIPS = 100;

export async function wholePhotograph(): Promise<Uint8Array<ArrayBuffer>> {
  return (await photographs())[0]!.bytes;
}

/** Everything that is posted, the same for the same seed. */
export async function arsenal(seed: number): Promise<SpecimenGroup[]> {
  const random = new Random(seed);
  const leaf = await wholePhotograph();
  const [png, gif, webp, progressive] = await Promise.all(
    ["png-rgb.png", "gif.gif", "webp-lossy.webp", "jpeg-progressive.jpg"].map(fixture),
  );
  const wholes: [string, Uint8Array][] = [
    ["JPEG", leaf],
    ["progressive JPEG", progressive!],
    ["PNG", png!],
    ["GIF", gif!],
    ["WebP", webp!],
  ];
  return [
    { name: "pixel floods", specimens: pixelFloods() },
    { name: "JPEG bombs", specimens: jpegBombs(leaf) },
    { name: "PNG bombs", specimens: await pngBombs(png!) },
    { name: "animation bombs", specimens: await animationBombs() },
    { name: "polyglots", specimens: polyglots(leaf, png!, gif!) },
    { name: "forms", specimens: formAbuse(leaf) },
    { name: "cut at every 1 %", specimens: wholes.flatMap(([name, bytes]) => truncations(name, bytes)) },
    {
      name: "flipped bits",
      specimens: wholes.flatMap(([name, bytes]) => bitFlips(name, bytes, FLIPS, random)),
    },
    { name: "noise", specimens: noise(FLIPS, random) },
  ];
}
