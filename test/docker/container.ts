import { chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { baseSystem, enter, type Image } from "./image.ts";

const START_TIMEOUT_MS = 60_000;

/** A server that runs as the image says, with a read-only root, no capabilities and its volume. */
export interface Container {
  url: string;
  pid: number;
  volume: string;
  exited: Promise<number>;
  log(): Promise<string>;
  /** Sends the image's stop signal and waits for the end. */
  stop(): Promise<number>;
  /** Like `docker exec`: in its file system, by default as its user, with its environment. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<{ code: number; output: string }>;
  kill(): Promise<void>;
}

interface ExecOptions {
  env?: Record<string, string>;
  /** uid:gid */
  user?: string;
}

/** Starts the image's command with `env` beside its own and waits until it is ready. */
export async function startContainer(
  image: Image,
  scratch: string,
  env: Record<string, string> & { PORT: string },
): Promise<Container> {
  const [uid, gid] = image.user.split(":").map(Number);
  const volume = join(scratch, "volume");
  await mkdir(volume);
  await chown(volume, uid!, gid!);
  const out = join(scratch, "container.log");
  await Bun.write(out, "");
  const environment = { ...image.env, HOME: "/tmp", ...env };
  const child = Bun.spawn(enter(image, "run", image.user, [...image.entrypoint, ...image.command]), {
    env: { ...environment, BUN: process.execPath, ...baseSystem(), VOLUME: volume },
    stdin: "ignore",
    stdout: Bun.file(out),
    stderr: Bun.file(`${out}.err`),
  });
  const container: Container = {
    url: `http://127.0.0.1:${env.PORT}`,
    pid: child.pid,
    volume,
    exited: child.exited,
    log: async () => `${await Bun.file(`${out}.err`).text()}\n${await Bun.file(out).text()}`,
    async stop() {
      child.kill(image.stopSignal as NodeJS.Signals);
      return child.exited;
    },
    async exec(argv, { env: extra = {}, user = image.user } = {}) {
      const [asUid, asGid] = user.split(":");
      const asUser = ["setpriv", `--reuid=${asUid}`, `--regid=${asGid}`, "--clear-groups", "--no-new-privs"];
      const inside = ["nsenter", "--target", String(child.pid), "--mount", "--root", ...asUser];
      const run = Bun.spawn([...inside, "env", "-C", image.folder, ...argv], {
        env: { ...environment, ...extra },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      const output = (await run.stdout.text()) + (await run.stderr.text());
      return { code: await run.exited, output };
    },
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
  const giveUpAt = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < giveUpAt && child.exitCode === null) {
    const response = await fetch(`${container.url}/health/ready`).catch(() => null);
    if (response?.status === 200) return container;
    await Bun.sleep(50);
  }
  const said = await container.log();
  await container.kill();
  throw new Error(`the container did not become ready: ${said.slice(-4000)}`);
}
