import { afterAll, describe, expect, test } from "bun:test";
import type { DecoderName } from "../../src/inference/decode.ts";
import { openDecoders } from "../../src/inference/decoders/decoders.ts";
import { uprightSize } from "../../src/inference/image.ts";
import { Preprocessor } from "../../src/inference/preprocess.ts";
import { validateImage } from "../../src/inference/validate.ts";
import {
  type Difference,
  difference,
  goldenCases,
  goldenImage,
  LIMITS,
  reference,
  timesTarget,
} from "./cases.ts";

/** What the references allow. Above twice the target decoders reduce the picture in steps of their own. */
const UP_TO_TWICE = { mean: 0.5, levels: 4, share: 0.999 };
const ABOVE = { mean: 1, levels: 6, share: 0.99 };

const cases = await goldenCases();

/** `twice`: the allowance of CMYK and other profiles, which is double. */
function expectClose(found: Difference, above: boolean, twice: boolean): void {
  const { mean, levels, share } = above ? ABOVE : UP_TO_TWICE;
  const factor = twice ? 2 : 1;
  expect(found.mean).toBeLessThanOrEqual(mean * factor);
  expect(levels === 4 ? found.within4 : found.within6).toBeGreaterThanOrEqual(1 - (1 - share) * factor);
}

function row(name: string, found: Difference): string {
  const { mean, most, within4, within6 } = found;
  const percent = (share: number) => `${(share * 100).toFixed(2)}%`.padStart(8);
  return `${name.padEnd(34)}${mean.toFixed(3).padStart(7)}${`${most}`.padStart(5)}${percent(within4)}${percent(within6)}`;
}

describe.each(["auto", "sharp"] as const)("golden pixels, decoders: %s", (decoders) => {
  const table: string[] = [];
  let decodedBy: DecoderName | null = null;
  const opening = openDecoders({
    maxPixels: LIMITS.maxPixels,
    decoders,
    onDecoded: (name) => {
      decodedBy = name;
    },
  });

  afterAll(() => {
    const head = `${"levels of 255 from Pillow".padEnd(34)}   mean most within 4 within 6`;
    console.log([head, ...table].join("\n"));
  });

  test("every kind and every scale is there", () => {
    const scales = cases.map(timesTarget);
    for (const scale of [0.5, 1.1, 1.9, 4, 20]) {
      expect(scales.some((found) => Math.abs(found - scale) < scale * 0.02)).toBe(true);
    }
    expect(cases.length).toBeGreaterThanOrEqual(80);
  });

  test.each(cases.map((golden) => [golden.file, golden] as const))("%s", async (file, golden) => {
    const image = await goldenImage(file);
    const header = validateImage(image, LIMITS);
    expect(uprightSize(header)).toEqual({ width: golden.width, height: golden.height });
    const { target: side, fit, crop } = golden;
    const decoder = await opening;
    const tensor = await decoder.decode(image, header, { width: side, height: side, fit, crop });
    const times = timesTarget(golden);
    const plain = header.format === "jpeg" && !golden.profile;
    expect(decodedBy).toBe(plain && decoders === "auto" ? "libjpeg-turbo" : "sharp");

    if (times < 2) {
      expect([tensor.width, tensor.height]).toEqual([golden.width, golden.height]);
      const pixels = difference(tensor.data, await reference(golden, "pixels"));
      table.push(row(`${file}, decoded`, pixels));
      expectClose(pixels, false, golden.profile);
    }

    const preprocessor = new Preprocessor(
      {
        input: { name: "images", dtype: "uint8", layout: "NHWC", width: side, height: side, color: "RGB" },
        resize: { fit, crop, interpolation: "bilinear" },
        normalize: { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
      },
      1,
    );
    preprocessor.write(tensor, 0);
    const fitted = difference(Uint8Array.from(preprocessor.input), await reference(golden, "model"));
    table.push(row(`${file}, fitted`, fitted));
    expectClose(fitted, times > 2, golden.profile);
  });

  test("the measure itself tells one level from none and one picture from another", async () => {
    const plain = await reference(cases.find(({ file }) => file === "png-rgb.png")!, "model");
    const other = await reference(cases.find(({ file }) => file === "png-palette.png")!, "model");
    expect(difference(plain, plain)).toEqual({ mean: 0, most: 0, within4: 1, within6: 1 });
    expect(
      difference(
        plain.map((level) => level ^ 1),
        plain,
      ).mean,
    ).toBe(1);
    expect(difference(other, plain).mean).toBeGreaterThan(10);
  });
});
