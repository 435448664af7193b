export interface CommandOptions {
  /** After this the command and all that it started are ended. */
  timeoutMs: number;
  env?: Record<string, string | undefined>;
  /** By default the repository's root. */
  cwd?: string;
  /** Where its output goes; by default to ours, live. */
  output?: "live" | "quiet";
}

/**
 * Settings of the person who runs the tests are not the tests' settings: no `PINHOLE_*`, `PORT` or `HOST` gets
 * through, except `PINHOLE_TEST_*`, which speak to the tests.
 */
export function testEnvironment(env: Record<string, string | undefined>): Record<string, string | undefined> {
  const foreign = (name: string) =>
    ["PORT", "HOST", "NODE_ENV"].includes(name) ||
    (name.startsWith("PINHOLE_") && !name.startsWith("PINHOLE_TEST_"));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign(name)));
}

/** Runs a command in a process group of its own. 124: it ran past its time. */
export async function command(argv: string[], options: CommandOptions): Promise<number> {
  const stream = options.output === "quiet" ? "ignore" : "inherit";
  const child = Bun.spawn(argv, {
    cwd: options.cwd ?? repositoryRoot(),
    env: { ...testEnvironment(process.env), ...options.env },
    stdin: "ignore",
    stdout: stream,
    stderr: stream,
    detached: true,
  });
  const end = () => endGroup(child.pid);
  process.once("SIGINT", end).once("SIGTERM", end);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    console.error(`\n${argv[0]} ran past its ${options.timeoutMs / 1000} s and was ended.`);
    end();
  }, options.timeoutMs);
  try {
    const code = await child.exited;
    return late ? 124 : code;
  } finally {
    clearTimeout(timer);
    process.off("SIGINT", end).off("SIGTERM", end);
    end();
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing is left of it.
  }
}

export function repositoryRoot(): string {
  return new URL("../..", import.meta.url).pathname;
}
