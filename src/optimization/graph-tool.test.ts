import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runGraphStep } from "./graph-tool.ts";

let folder: string;
let workDir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pinhole-graph-tool-"));
  workDir = await mkdtemp(join(folder, "work-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An interpreter that runs `script` instead; what it is called with is in `$@`. */
async function interpreter(script: string): Promise<string> {
  const path = join(folder, "python");
  await Bun.write(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

const seen: unknown[][] = [];
function run(python: string, signal = new AbortController().signal) {
  seen.length = 0;
  return runGraphStep(
    python,
    "fold",
    { model: "/a model.onnx" },
    {
      workDir,
      onProgress: (...told) => seen.push(told),
      signal,
    },
  );
}

describe("a step of graph work", () => {
  test("gets its job as a file, and its last line is the result", async () => {
    const python = await interpreter(`
echo '{"done": 1, "of": 2, "what": "half"}'
echo '{"done": 2, "of": 2, "what": "all"}'
for last; do :; done
printf '{"result": {"given": %s, "step": "%s"}}\\n' "$(cat "$last")" "$7"`);
    expect(await run(python)).toEqual({ given: { model: "/a model.onnx" }, step: "fold" });
    expect(seen).toEqual([
      [1, 2, "half"],
      [2, 2, "all"],
    ]);
    expect(await readdir(workDir)).toEqual([]);
  });

  test("fails with its own sentence", async () => {
    const python = await interpreter(`echo '{"error": "The file is damaged."}'; echo noise >&2; exit 1`);
    expect(run(python)).rejects.toThrow("The file is damaged.");
  });

  test.each([
    ["echo first >&2; echo 'ValueError: seven' >&2; exit 1", "not foreseen: ValueError: seven"],
    ["exit 0", "not foreseen."],
    [`printf '{"result": {"cut'; exit 0`, "not foreseen."],
    ["kill -9 $$", "ended from outside (SIGKILL)"],
  ])("that ends without a result is said: %s", async (script, sentence) => {
    const python = await interpreter(script);
    const failure = await run(python).catch((thrown: Error) => thrown);
    expect(failure).toHaveProperty("name", "GraphToolError");
    expect((failure as Error).message).toContain(sentence);
    expect(await readdir(workDir)).toEqual([]);
  });

  test("ends at once when it is aborted", async () => {
    const python = await interpreter(`echo '{"done": 0, "of": 1, "what": "waiting"}'; exec sleep 60`);
    const abort = new AbortController();
    const running = run(python, abort.signal).catch((thrown) => thrown);
    while (seen.length === 0) await Bun.sleep(5);
    abort.abort(new Error("stopped"));
    expect(await running).toHaveProperty("message", "stopped");
    expect(await readdir(workDir)).toEqual([]);
    expect(run(python, abort.signal)).rejects.toThrow("stopped");
  });
});
