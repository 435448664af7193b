import { dlopen, FFIType } from "bun:ffi";
import { readText } from "../control-group.ts";

/** waitpid(2): does not wait. */
const WNOHANG = 1;

/**
 * Process 1 of a container inherits every process whose parent has died, and what it does not wait for stays in the
 * process table for ever. Bun waits for the children that it started, at once, and for no others: whoever is found
 * dead twice is one of the others. Bun calls bun:ffi experimental, so this is loaded by process 1 only.
 */
export class Reaper {
  readonly #libc = dlopen("libc.so.6", {
    waitpid: { args: [FFIType.i32, FFIType.ptr, FFIType.i32], returns: FFIType.i32 },
  });
  #dead: ReadonlySet<number> = new Set();

  /** To be called every few seconds. @returns how many were reaped */
  reap(): number {
    const dead = zombies();
    const ours = dead.filter((pid) => this.#dead.has(pid));
    for (const pid of ours) this.#libc.symbols.waitpid(pid, null, WNOHANG);
    this.#dead = new Set(dead.filter((pid) => !ours.includes(pid)));
    return ours.length;
  }
}

/** Children of this process that have died and were not waited for. */
function zombies(): number[] {
  const children = readText(`/proc/self/task/${process.pid}/children`) ?? "";
  const pids = children.split(" ").filter((text) => /^\d+$/.test(text));
  // The name in the second field may hold anything, a parenthesis as well.
  return pids.filter((pid) => /\) Z [^)]*$/.test(readText(`/proc/${pid}/stat`) ?? "")).map(Number);
}
