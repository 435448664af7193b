import { expect, test } from "bun:test";
import type { DecodeTarget } from "../decode-size.ts";
import type { ImageHeader } from "../image.ts";
import { turboShrink } from "./turbo-decoder.ts";

const TARGET: DecodeTarget = { width: 224, height: 224, fit: "cover", crop: 1 };
const PHOTOGRAPH: ImageHeader = {
  format: "jpeg",
  width: 256,
  height: 256,
  orientation: 1,
  bitDepth: 8,
  color: "rgb",
  alpha: false,
  progressive: false,
  scans: 1,
  frames: 1,
  hasProfile: false,
};

test.each<[string, Partial<ImageHeader>, number | null]>([
  ["one of the model's size", {}, 1],
  ["one in grey", { color: "grey" }, 1],
  ["one under four times its size", { width: 940, height: 940 }, 1],
  ["one beyond", { width: 1280, height: 960 }, 2],
  ["one on its side", { width: 960, height: 1280, orientation: 6 }, 2],
  ["12 megapixels", { width: 4000, height: 3000 }, 4],
  ["50 megapixels", { width: 8192, height: 6144 }, 8],
  ["an odd size that is not too large as it is", { width: 1283, height: 961 }, 1],
  ["one that only half its size divides", { width: 1284, height: 962 }, 2],
  ["an odd size that is too large", { width: 4001, height: 3001 }, null],
  ["an odd size that would take long to turn", { width: 1283, height: 961, orientation: 6 }, null],
  ["a strip", { width: 50_000, height: 200 }, null],
  ["inks", { color: "cmyk" }, null],
  ["other colours", { hasProfile: true }, null],
  ["another format", { format: "png" }, null],
  ["the scans of a camera", { width: 4000, height: 3000, progressive: true, scans: 12 }, 4],
  ["more scans than cameras write", { width: 4000, height: 3000, progressive: true, scans: 60 }, null],
])("%s", (_, header, shrink) => {
  expect(turboShrink({ ...PHOTOGRAPH, ...header }, TARGET)).toBe(shrink as ReturnType<typeof turboShrink>);
});
