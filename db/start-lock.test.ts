import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withStartLock } from "./start-lock.ts";

const dir = () => mkdtempSync(join(tmpdir(), "pinhole-lock-"));

/** A process that takes the lock, says so, and holds it for a while before it leaves a file behind. */
function holder(path: string, done: string, forMs = 150) {
  const script = `
    import { writeFileSync, writeSync } from "node:fs";
    import { withStartLock } from ${JSON.stringify(join(import.meta.dir, "start-lock.ts"))};
    withStartLock(${JSON.stringify(path)}, () => {
      writeSync(1, "held");
      Bun.sleepSync(${forMs});
      writeFileSync(${JSON.stringify(done)}, "");
    });`;
  return Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
}

test("nobody else works under the lock while one process does", async () => {
  const scratch = dir();
  const path = join(scratch, "pinhole.sqlite");
  const done = join(scratch, "done");
  const child = holder(path, done);
  await child.stdout.getReader().read();
  expect(existsSync(done)).toBe(false);
  expect(withStartLock(path, () => existsSync(done))).toBe(true);
  await child.exited;
  rmSync(scratch, { recursive: true });
});

test("a process that is killed leaves no lock behind", async () => {
  const scratch = dir();
  const path = join(scratch, "pinhole.sqlite");
  const done = join(scratch, "done");
  // Longer than any machine takes to kill it.
  const child = holder(path, done, 60_000);
  await child.stdout.getReader().read();
  child.kill("SIGKILL");
  await child.exited;
  expect(withStartLock(path, () => existsSync(done))).toBe(false);
  rmSync(scratch, { recursive: true });
});

test("the lock is free again after work that throws, and its result is handed on", () => {
  const scratch = dir();
  const path = join(scratch, "pinhole.sqlite");
  const failing = () => {
    throw new Error("broken");
  };
  expect(() => withStartLock(path, failing)).toThrow("broken");
  expect(withStartLock(path, () => 7)).toBe(7);
  rmSync(scratch, { recursive: true });
});
