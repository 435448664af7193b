import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = new URL("../..", import.meta.url).pathname;

/**
 * The benchmark itself, as short as it can be: that it runs, that its bare loop finds what the server finds (it
 * ends with 1 where not), and that no request fails. How fast anything was is not judged here.
 */
test("the quick benchmark measures every kind once, and no request fails", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pinhole-bench-test-"));
  const file = join(folder, "bench.json");
  const args = ["--quick", "--rounds", "1", "--seconds", "0.3", "--json", file];
  const child = Bun.spawn([process.execPath, "--no-env-file", "loadtest/bench/main.ts", ...args], {
    cwd: ROOT,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [shown, words, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect({ code, words: code === 0 ? "" : words }).toEqual({ code: 0, words: "" });
  expect(shown).toContain("bare / server CPU");
  const { ratio, cells } = await Bun.file(file).json();
  await rm(folder, { recursive: true });
  expect(ratio).toBeGreaterThan(0);
  expect(cells.map(({ kind }: { kind: string }) => kind)).toEqual(["bare", "raw", "multipart", "hits"]);
  for (const { median } of cells) {
    expect(median.answers).toBeGreaterThan(0);
    expect(median.failures).toEqual({});
  }
});
