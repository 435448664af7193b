import { readFileSync } from "node:fs";

const KIB = 1024;

/**
 * Memory of the mapped files whose path matches, from the text of /proc/PID/smaps: proportional set size in bytes,
 * their private pages included. https://man7.org/linux/man-pages/man5/proc_pid_smaps.5.html
 */
export function mappedBytes(smaps: string, path: RegExp): number {
  let bytes = 0;
  let counts = false;
  for (const line of smaps.split("\n")) {
    const mapping = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/.exec(line);
    if (mapping) counts = path.test(mapping[1]!);
    else if (counts && line.startsWith("Pss:")) bytes += Number.parseInt(line.slice(4), 10) * KIB;
  }
  return bytes;
}

/** The same of running processes; one that has ended meanwhile has none. */
export function mappedBytesOf(pids: readonly number[], path: RegExp): number {
  return pids.reduce((sum, pid) => sum + mappedBytes(smapsOf(pid), path), 0);
}

function smapsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps`, "utf8");
  } catch {
    return "";
  }
}
