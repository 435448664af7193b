import { readdirSync, readFileSync } from "node:fs";

/** What one thread has done since it began. */
export interface ThreadTimes {
  name: string;
  cpuMs: number;
  /** Of it in the kernel. */
  systemMs: number;
  /** Times that it gave up its core to wait, and that its core was taken from it. */
  waits: number;
  preemptions: number;
}

/** Of /proc/<pid>/task/<id>/stat, https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: from the third on. */
const [USER, SYSTEM] = [11, 12];
/** Linux on every platform that Bun runs on. */
const TICK_MS = 10;

/** Threads of a process by their id. Linux only. */
export function threadTimes(pid: number): Map<string, ThreadTimes> {
  return new Map(
    readdirSync(`/proc/${pid}/task`).map((id) => {
      const stat = readFileSync(`/proc/${pid}/task/${id}/stat`, "utf8");
      const status = readFileSync(`/proc/${pid}/task/${id}/status`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const count = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
      const systemMs = Number(fields[SYSTEM]) * TICK_MS;
      return [
        id,
        {
          name: stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")")),
          cpuMs: Number(fields[USER]) * TICK_MS + systemMs,
          systemMs,
          waits: count("voluntary_ctxt_switches"),
          preemptions: count("nonvoluntary_ctxt_switches"),
        },
      ];
    }),
  );
}
