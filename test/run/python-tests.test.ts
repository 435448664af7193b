import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonTests } from "./python-tests.ts";

const SUITE = `
import unittest

class Mixed(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.assertEqual(1, 2)
    def test_error(self): raise KeyError("a")
    @unittest.skip("left out")
    def test_skipped(self): pass
    def test_parts(self):
        for part in (1, 2):
            with self.subTest(part=part): self.assertEqual(part, 1)

class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise OSError("no")
    def test_never(self): pass
`;

const run = async (files: Record<string, string>) => {
  const folder = await mkdtemp(join(tmpdir(), "pinhole-python-"));
  try {
    for (const [name, text] of Object.entries(files)) await Bun.write(join(folder, name), text);
    const options = { python: "python3", folder, timeoutMs: 20_000, output: "quiet" } as const;
    return await pythonTests("python-runner", options);
  } finally {
    await rm(folder, { recursive: true });
  }
};

const isPythonThere = Bun.which("python3") !== null;

test.skipIf(!isPythonThere)(
  "every test is counted as what it came to, a part that fails and a set-up too",
  async () => {
    const outcome = await run({ "test_mixed.py": SUITE, "test_unreadable.py": "import nothing_like_it" });
    expect(outcome).toEqual({
      passed: 1,
      failed: 5,
      failures: expect.arrayContaining([
        "test_mixed.Mixed.test_bad",
        "test_mixed.Mixed.test_error",
        "test_mixed.Mixed.test_parts",
        "setUpClass (test_mixed.Broken)",
        "unittest.loader._FailedTest.test_unreadable",
      ]),
      skipped: ["test_mixed.Mixed.test_skipped"],
    });
  },
);

test.skipIf(!isPythonThere)("no tests at all is a failure", async () => {
  expect((await run({})).failed).toBe(1);
});
