import { availableParallelism, cpus } from "node:os";

/** What figures were measured on; without it they say nothing. */
export interface Machine {
  processor: string;
  cores: number;
  bun: string;
  /** Of this checkout, with "+" where it has changes; null outside of git. */
  revision: string | null;
  at: string;
}

export function machine(checkout: string, now: Date): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    bun: Bun.version,
    revision: revision(checkout),
    at: now.toISOString(),
  };
}

function revision(checkout: string): string | null {
  if (Bun.which("git") === null) return null;
  const git = (...args: string[]) =>
    Bun.spawnSync(["git", "-C", checkout, ...args], { stdout: "pipe", stderr: "ignore" });
  const head = git("rev-parse", "--short", "HEAD");
  if (head.exitCode !== 0) return null;
  const isChanged = git("status", "--porcelain", "--untracked-files=no").stdout.length > 0;
  return `${head.stdout.toString().trim()}${isChanged ? "+" : ""}`;
}
