import { expect, test } from "bun:test";
import { usableCores } from "./cores.ts";

const files = (content: Record<string, string>) => (path: string) => content[path] ?? null;

test("without control groups: the affinity", () => expect(usableCores(files({}), 6)).toBe(6));

test("cgroup v2, no quota", () => {
  expect(
    usableCores(files({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n" }), 8),
  ).toBe(8);
});

test("cgroup v2: the tightest of the group and those above it, rounded down", () => {
  const read = files({
    "/proc/self/cgroup": "0::/a/b\n",
    "/sys/fs/cgroup/a/cpu.max": "250000 100000\n",
    "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/cpu.max": "700000 100000\n",
  });
  expect(usableCores(read, 8)).toBe(2);
});

test("less than one core is one worker", () => {
  const read = files({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "50000 100000" });
  expect(usableCores(read, 8)).toBe(1);
});

test("cgroup v1", () => {
  const read = files({
    "/proc/self/cgroup": "5:memory:/x\n4:cpu,cpuacct:/x\n",
    "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "300000\n",
    "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
  });
  expect(usableCores(read, 8)).toBe(3);
});
