import { readlinkSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/**
 * How far a thread that infers stands back behind those that answer, in steps of nice(2): with both ready to run, the
 * kernel gives the one that answers about three times as much of a core.
 */
export const INFERENCE_STEPS = 5;
const LOWEST = 19;

/**
 * Has the kernel prefer other threads to the calling one; its own children take after it. For a thread that computes for
 * milliseconds at a time on every core: without it the one that serves waits for the end of a time slice.
 * Linux only, where each thread has a priority of its own (setpriority(2)); elsewhere, and where it is not allowed,
 * nothing changes.
 * @param steps of nice(2), from where the thread stands now
 */
export function standBack(steps: number): void {
  try {
    const id = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    setPriority(id, Math.min(LOWEST, getPriority(id) + steps));
  } catch {
    // It computes all the same.
  }
}
