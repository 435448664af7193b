import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = new URL("..", import.meta.url).pathname;
const DOCUMENTS = ["README.md", ...new Bun.Glob("docs/**/*.md").scanSync({ cwd: ROOT })].sort();

test.each(DOCUMENTS)("what %s points to is there", async (path) => {
  const text = await Bun.file(join(ROOT, path)).text();
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!.split("#")[0]!);
  const own = targets.filter((target) => target !== "" && !/^[a-z]+:/.test(target));
  expect(own.filter((target) => !existsSync(join(ROOT, dirname(path), target)))).toEqual([]);
});

test("the page on security names files and tests", async () => {
  const text = await Bun.file(join(ROOT, "docs/security.md")).text();
  expect(text.match(/\.test\.ts\)/g)?.length).toBeGreaterThan(30);
});
