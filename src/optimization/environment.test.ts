import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { graphEnvironment } from "./environment.ts";

/** Environments are made by the Python of this machine. */
const isPythonThere = Bun.which("python3") !== null;

let home: string;
let cacheDir: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "pinhole-environment-"));
  cacheDir = join(home, "cache");
});
afterEach(() => rm(home, { recursive: true, force: true }));

const told: string[] = [];
async function make(requirements: string, path?: string, signal: AbortSignal = new AbortController().signal) {
  told.length = 0;
  const file = join(home, "requirements.txt");
  await Bun.write(file, requirements);
  const onProgress = (_done: number, _of: number, what: string) => told.push(what);
  return graphEnvironment({ cacheDir, onProgress, signal, path, requirements: file });
}

/** Expects that an environment is made, and aborts that. */
async function begins(requirements: string) {
  const abort = new AbortController();
  const making = make(requirements, undefined, abort.signal).catch((thrown) => thrown);
  while (told.length === 0) await Bun.sleep(5);
  abort.abort(new Error("stopped"));
  expect(await making).toHaveProperty("message", "stopped");
}

/** A folder with programs of these names that do nothing but end with `code`. */
async function programs(names: readonly string[], code: number): Promise<string> {
  const folder = join(home, "bin");
  await mkdir(folder);
  for (const name of names) {
    await Bun.write(join(folder, name), `#!/bin/sh\nexit ${code}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

describe("the environment for graph work", () => {
  test("a machine without Python, or with one that is too old, is told what to install", async () => {
    expect(make("", await programs([], 0))).rejects.toThrow("apt-get install python3-venv");
    await rm(join(home, "bin"), { recursive: true });
    expect(make("", await programs(["python3", "python3.11"], 1))).rejects.toThrow("Python 3.11 or later");
    expect(await readdir(home)).not.toContain("cache");
  });

  test.skipIf(!isPythonThere)(
    "is made once; one that is not whole, or has other requirements, is not taken for it",
    async () => {
      const first = await make("# nothing");
      expect(told).toHaveLength(3);
      const asked = Bun.spawnSync([first.python, "-c", "import sys; print(sys.prefix)"]);
      expect(asked.stdout.toString().trim()).toBe(join(first.python, "../.."));
      expect(await make("# nothing")).toEqual(first);
      expect(told).toEqual([]);

      await begins("# nothing else");
      await rm(join(first.python, "../../complete"));
      await begins("# nothing");
    },
  );

  test.skipIf(!isPythonThere)("packages that cannot be had are said, and nothing is left", async () => {
    expect(make(`${home}/missing.whl`)).rejects.toThrow(/could not be made: .*missing.*PyPI/);
    expect(await readdir(cacheDir).catch(() => [])).toEqual([]);
  });

  test.skipIf(!isPythonThere)("aborted, it leaves nothing", async () => {
    await begins("# nothing");
    expect(await readdir(cacheDir)).toEqual([]);
  });
});
