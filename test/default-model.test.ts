import { expect, test } from "bun:test";
import { join } from "node:path";

const ROOT = new URL("..", import.meta.url).pathname;
const MODEL = "models/leaf-disease/1.0.0";

/** Documents that show or measure the default model: each says of which file. */
test.each(["README.md", `${MODEL}/MODEL_CARD.md`, "docs/optimizing/leaf-disease.json"])(
  "%s tells of the model as it is published",
  async (path) => {
    const { sha256 } = await Bun.file(join(ROOT, MODEL, "manifest.json")).json();
    expect(await Bun.file(join(ROOT, path)).text()).toContain(sha256);
  },
);
