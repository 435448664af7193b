import { expect, test } from "bun:test";
import { optimizingDocument, withReports } from "./docs-optimizing.ts";

const root = new URL("../..", import.meta.url).pathname;

test("docs/optimizing.md says what docs/optimizing/*.json say", async () => {
  const { now, wanted } = await optimizingDocument(root);
  expect(now).toBe(wanted);
});

test("a page without markers is refused", () => {
  expect(() => withReports("# Page\n", [])).toThrow("no place for the reports");
});
