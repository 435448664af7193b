import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { killTree, tree, treeUsage } from "./process-tree.ts";

test("counts what a child's child burns and holds", async () => {
  const burn = "const until = process.cpuUsage().user + 3e5; const held = new Uint8Array(64e6).fill(1);";
  const program = `${burn} while (process.cpuUsage().user < until); console.log(held.length); setInterval(() => {}, 1e3)`;
  const parent = `const c = Bun.spawn([process.execPath, "-e", ${JSON.stringify(program)}], { stdout: "inherit" }); setInterval(() => {}, 1e3)`;
  const child = Bun.spawn([process.execPath, "-e", parent], { stdout: "pipe" });
  try {
    const before = treeUsage(child.pid);
    await child.stdout.getReader().read();
    const after = treeUsage(child.pid);
    expect(after.cpuMs - before.cpuMs).toBeGreaterThan(250);
    expect(after.residentBytes).toBeGreaterThan(64e6);
  } finally {
    const pids = tree(child.pid);
    killTree(child.pid);
    await child.exited;
    expect(pids).toHaveLength(2);
    for (const pid of pids) await gone(pid);
  }
});

test("says that there is no such process", () => {
  expect(() => treeUsage(2 ** 22 + 1)).toThrow("ENOENT");
});

/** A process whose parent has gone is buried by the system, a moment later. */
async function gone(pid: number): Promise<void> {
  const isThere = () => {
    try {
      return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  };
  while (isThere()) await Bun.sleep(5);
}
