import { readdirSync, readFileSync } from "node:fs";

/** Processes that `pid` started and that still run. */
export function childrenOf(pid: number): number[] {
  const pids = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
  return pids.filter(isRunning);
}

/** A process that has ended stays in the table until its parent has asked for its exit code. */
export function isRunning(pid: number): boolean {
  try {
    // The state stands after the name, which may hold anything, brackets included.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !["Z", "X"].includes(stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3));
  } catch {
    return false;
  }
}
