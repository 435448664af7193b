/**
 * Prints what `assessQuality` says of a folder of photographs as they are, blurred, darkened and brightened: the
 * figures behind QUALITY_THRESHOLDS.
 *
 *   bun test/golden/quality-thresholds.ts <folder of JPEGs, searched with its subfolders>
 */
import sharp, { type Sharp } from "sharp";
import { QUALITY_ISSUES, type Quality } from "../../src/inference/image.ts";
import { assessQuality } from "../../src/inference/quality.ts";

const TARGET = 224;
const VARIANTS: Record<string, (photograph: Sharp) => Sharp> = {
  "as it is": (photograph) => photograph,
  "blurred, sigma 2": (photograph) => photograph.blur(2),
  "blurred, sigma 4": (photograph) => photograph.blur(4),
  "darkened x 0.15": (photograph) => photograph.linear(0.15, 0),
  "brightened x 2.2": (photograph) => photograph.linear(2.2, 30),
};

async function assess(bytes: Uint8Array, change: (photograph: Sharp) => Sharp): Promise<Quality> {
  const changed = change(sharp(bytes).toColourspace("srgb").removeAlpha()).raw();
  const { data, info } = await changed.toBuffer({ resolveWithObject: true });
  const tensor = { data: new Uint8Array(data), width: info.width, height: info.height };
  return assessQuality(tensor, TARGET, TARGET);
}

function quantiles(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return [0, 0.01, 0.5, 0.99, 1].map((share) => at(share).toFixed(2)).join(" ");
}

if (import.meta.main) {
  const folder = process.argv[2];
  if (folder === undefined) throw new Error("Name a folder: bun test/golden/quality-thresholds.ts <folder>");
  const files = (await Array.fromAsync(new Bun.Glob("**/*.{jpg,jpeg,JPG}").scan(folder))).sort();
  console.log(`${files.length} photographs; quantiles are 0, 1, 50, 99 and 100%`);
  for (const [name, change] of Object.entries(VARIANTS)) {
    const found: Quality[] = [];
    for (const file of files) found.push(await assess(await Bun.file(`${folder}/${file}`).bytes(), change));
    const flagged = QUALITY_ISSUES.map((issue) => {
      const share = found.filter(({ issues }) => issues.includes(issue)).length / found.length;
      return `${issue} ${(share * 100).toFixed(1)}%`;
    });
    console.log(`${name.padEnd(17)} sharpness ${quantiles(found.map((q) => q.sharpness))}`);
    console.log(`${"".padEnd(17)} brightness ${quantiles(found.map((q) => q.brightness))}`);
    console.log(`${"".padEnd(17)} ${flagged.join(", ")}`);
  }
}
