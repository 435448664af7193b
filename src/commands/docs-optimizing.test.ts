import { expect, test } from "bun:test";
import { optimizingPages, withReports } from "./docs-optimizing.ts";

const root = new URL("../..", import.meta.url).pathname;

test("docs/optimizing.md and the default model's card say what docs/optimizing/*.json say", async () => {
  const pages = await optimizingPages(root);
  expect(pages.map(({ path }) => path.slice(root.length))).toEqual([
    "docs/optimizing.md",
    "models/leaf-disease/1.0.0/MODEL_CARD.md",
  ]);
  for (const { now, wanted } of pages) expect(now).toBe(wanted);
});

test("a page without markers is refused", () => {
  expect(() => withReports("# Page\n", "")).toThrow("no place for the reports");
});
