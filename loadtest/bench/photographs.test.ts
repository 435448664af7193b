import { expect, test } from "bun:test";
import sharp from "sharp";
import { mosaic } from "./photographs.ts";

const LEAVES = new URL("../../test/fixtures/leaves/", import.meta.url).pathname;
const leaves = await Promise.all(
  ["tomato_healthy.jpg", "tomato_leaf_mold.jpg"].map(async (name) =>
    Buffer.from(await Bun.file(LEAVES + name).bytes()),
  ),
);
const KIND = { width: 500, height: 300, count: 2, tile: 200 };

test("a mosaic is a plain JPEG of its size", async () => {
  const metadata = await sharp(await mosaic(leaves, KIND, 0)).metadata();
  expect(metadata).toMatchObject({
    format: "jpeg",
    width: 500,
    height: 300,
    channels: 3,
    chromaSubsampling: "4:2:0",
    isProgressive: false,
  });
});

test("each is another one, and the same every time", async () => {
  const [first, again, second] = await Promise.all([0, 0, 1].map((index) => mosaic(leaves, KIND, index)));
  expect(again).toEqual(first!);
  expect(second).not.toEqual(first!);
});
