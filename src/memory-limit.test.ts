import { expect, test } from "bun:test";
import { memoryLimitBytes } from "./memory-limit.ts";

const GIB = 1024 ** 3;
const files = (content: Record<string, string>) => (path: string) => content[path] ?? null;

test("without control groups: the machine's memory", () => {
  expect(memoryLimitBytes(files({}), 8 * GIB)).toBe(8 * GIB);
});

test("cgroup v2: the tightest of the group and those above it", () => {
  const read = files({
    "/proc/self/cgroup": "0::/a/b\n",
    "/sys/fs/cgroup/a/memory.max": `${GIB}\n`,
    "/sys/fs/cgroup/a/b/memory.max": "max\n",
    "/sys/fs/cgroup/memory.max": `${4 * GIB}\n`,
  });
  expect(memoryLimitBytes(read, 8 * GIB)).toBe(GIB);
});

test("cgroup v1, where a huge number means none", () => {
  const read = (limit: string) =>
    files({
      "/proc/self/cgroup": "4:cpu,cpuacct:/x\n5:memory:/x\n",
      "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": limit,
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    });
  expect(memoryLimitBytes(read(`${2 * GIB}\n`), 8 * GIB)).toBe(2 * GIB);
  expect(memoryLimitBytes(read("9223372036854771712\n"), 8 * GIB)).toBe(8 * GIB);
});

test("on this machine: something, and no more than it has", () => {
  expect(memoryLimitBytes()).toBeGreaterThan(64 * 1024 ** 2);
});
