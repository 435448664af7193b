import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The text of a file, or null where it cannot be read. */
export type ReadText = (path: string) => string | null;

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
};

/** Directories of the process's own control group (cgroup v2) and of each above it; none without v2. */
export function groupsV2(read: ReadText): string[] {
  const path = /^0::(.*)$/m.exec(groups(read))?.[1];
  return path === undefined ? [] : upwards("/sys/fs/cgroup", path);
}

/** The same of one controller (`cpu`, `memory`) of cgroup v1. */
export function groupsV1(controller: string, read: ReadText): string[] {
  const path = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(.*)$`, "m").exec(groups(read))?.[1];
  return path === undefined ? [] : upwards(`/sys/fs/cgroup/${controller}`, path);
}

const groups = (read: ReadText) => read("/proc/self/cgroup") ?? "";

/** The group's directory and each above it. Inside a container only the last of them is there. */
function upwards(root: string, path: string): string[] {
  const directories: string[] = [];
  for (let at = path; at !== "/" && at !== "."; at = dirname(at)) directories.push(join(root, at));
  return [...directories, root];
}
