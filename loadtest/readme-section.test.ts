import { expect, test } from "bun:test";
import { withSection } from "./readme-section.ts";

const README = "# Title\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nrest\n";

test("replaces what stands between the markers, and nothing else", () => {
  const replaced = withSection(README, "bench", "\nnew\n");
  expect(replaced).toBe("# Title\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nrest\n");
  expect(withSection(replaced, "bench", "old")).toBe(README);
});

test.each(["# Title", "<!-- bench:end --> <!-- bench:begin -->", `${README}${README}`])(
  "%j has no place for it",
  (readme) => {
    expect(() => withSection(readme, "bench", "new")).toThrow("no place");
  },
);

test.each([
  ["../README.md", "bench"],
  ["../README.md", "peers"],
  ["../README.md", "chaos"],
  ["README.md", "overload"],
  ["README.md", "noisy-neighbour"],
])("%s has a place for %s", async (file, name) => {
  const readme = await Bun.file(new URL(file, import.meta.url)).text();
  expect(withSection(readme, name, "new")).toContain(`<!-- ${name}:begin -->\nnew\n<!-- ${name}:end -->`);
});
