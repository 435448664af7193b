import { readFileSync } from "node:fs";

/** Processes that this one has started, or inherited; none where there is no such process. */
export function childrenOf(pid: number): number[] {
  const listed = read(`/proc/${pid}/task/${pid}/children`);
  return listed.split(" ").filter(Boolean).map(Number);
}

/** Whether it is there and has not ended. */
export const isRunning = (pid: number): boolean => /\) [^ZX] [^)]*$/.test(read(`/proc/${pid}/stat`));

/** Whether it has ended and nobody has waited for it. */
export const isZombie = (pid: number): boolean => /\) Z [^)]*$/.test(read(`/proc/${pid}/stat`));

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
