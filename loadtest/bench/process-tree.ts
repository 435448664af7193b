import { readdirSync, readFileSync } from "node:fs";

export interface Usage {
  /** CPU time since they began, of all processes of the tree and of those of their children that have ended. */
  cpuMs: number;
  /** Memory in use, pages that several processes share counted once. */
  residentBytes: number;
}

/** Of /proc/<pid>/stat, https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: fields from the third on. */
const PARENT = 1;
const CPU_TIMES = [11, 12, 13, 14] as const;
/** USER_HZ, which is 100 on every Linux that we run on. */
const TICK_MS = 10;
const KIB = 1024;

/**
 * What a process and all that it started use, by Linux' /proc.
 * @throws Error where there is no /proc, or no such process
 */
export function treeUsage(root: number): Usage {
  const usage: Usage = { cpuMs: 0, residentBytes: 0 };
  for (const pid of tree(root)) {
    try {
      const fields = statFields(pid);
      for (const field of CPU_TIMES) usage.cpuMs += Number(fields[field]) * TICK_MS;
      usage.residentBytes += proportionalBytes(pid);
    } catch (error) {
      // One that has ended meanwhile; its parent has its CPU time.
      if (pid === root) throw error;
    }
  }
  return usage;
}

/** SIGKILL to a process and all that it started. */
export function killTree(root: number): void {
  for (const pid of tree(root)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Ended meanwhile.
    }
  }
}

/** The process and its descendants, itself first. */
export function tree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const parent = Number(statFields(pid)[PARENT]);
      children.set(parent, [...(children.get(parent) ?? []), pid]);
    } catch {
      // Ended meanwhile.
    }
  }
  const found = [root];
  for (let i = 0; i < found.length; i++) found.push(...(children.get(found[i]!) ?? []));
  return found;
}

function statFields(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the program's name in brackets, with anything in it.
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Each page divided by the number of processes that share it. */
function proportionalBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss: +(\d+) kB$/m.exec(text)?.[1] ?? 0) * KIB;
}
