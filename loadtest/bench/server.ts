import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/system/server.ts";
import { killTree, treeUsage, type Usage } from "./process-tree.ts";

/** A server of its own, started as `bun start` starts it, with a data directory that goes when it stops. */
export interface BenchServer extends AsyncDisposable {
  url: string;
  pid: number;
  /** Of all its processes. */
  usage(): Usage;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** A checkout with its packages. */
  checkout: string;
  /** A model repository, and the name of the model that is measured. */
  modelsDir: string;
  model: string;
  cache: boolean;
}

export const CHECKOUT = new URL("../..", import.meta.url).pathname;

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

/**
 * As in production: all checks on, and no `.env.development` with its log level. What else is set is what lets one
 * machine's load be that of many clients, and be heavy.
 */
const SETTINGS = {
  PINHOLE_ENVIRONMENT: "production",
  // Nobody balances: to stop takes no longer than it must.
  PINHOLE_DRAIN_DELAY_MS: "0",
  PINHOLE_RATE_LIMIT_ENABLED: "false",
  // Each connection of the load generator speaks for a client of its own.
  PINHOLE_TRUSTED_PROXIES: "127.0.0.1",
  // 64 photographs of 12 MP for a slow network are many seconds' work.
  PINHOLE_DEADLINE_MS: "120000",
  // They all wait their turn: whoever would wait for more than a second is otherwise refused.
  PINHOLE_QUEUE_WAIT_MS: "0",
};

/** @throws Error with the server's own words where it does not become ready */
export async function startServer(options: ServerOptions): Promise<BenchServer> {
  const { checkout, modelsDir, model, cache } = options;
  const home = await mkdtemp(join(tmpdir(), "pinhole-bench-"));
  const log = { stdout: join(home, "stdout.log"), stderr: join(home, "stderr.log") };
  const { argv, variables } = await startCommand(checkout);
  const port = freePort();
  const child = Bun.spawn(argv, {
    cwd: checkout,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...variables,
      ...SETTINGS,
      PORT: String(port),
      PINHOLE_DATA_DIR: join(home, "data"),
      PINHOLE_MODELS_DIR: modelsDir,
      PINHOLE_MODEL_DEFAULT: model,
      PINHOLE_CACHE_ENABLED: String(cache),
    },
    stdin: "ignore",
    stdout: Bun.file(log.stdout),
    stderr: Bun.file(log.stderr),
  });
  const kill = () => killTree(child.pid);
  const leaveNothing = () => {
    kill();
    rmSync(home, { recursive: true, force: true });
  };
  process.on("exit", leaveNothing);
  const stop = async () => {
    child.kill("SIGTERM");
    const late = setTimeout(kill, STOP_TIMEOUT_MS);
    await child.exited;
    clearTimeout(late);
    process.off("exit", leaveNothing);
    await rm(home, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  if (!(await becomesReady(url, child))) {
    const words = (await Bun.file(log.stderr).text()).slice(-4000);
    kill();
    await stop();
    throw new Error(`the server in ${checkout} did not become ready:\n${words}`);
  }
  return { url, pid: child.pid, usage: () => treeUsage(child.pid), stop, [Symbol.asyncDispose]: stop };
}

/** The `start` script of a checkout: `NAME=value ... bun file ...`, without its installation before it. */
async function startCommand(checkout: string) {
  const { scripts } = (await Bun.file(join(checkout, "package.json")).json()) as {
    scripts: { start: string };
  };
  const words = scripts.start.split(/\s+/);
  const program = words.findIndex((word) => !word.includes("="));
  if (words[program] !== "bun") throw new Error(`the start script begins with ${words[program]}, not bun`);
  const variables = Object.fromEntries(
    words
      .slice(0, program)
      .map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]),
  );
  return { argv: [process.execPath, ...words.slice(program + 1)], variables };
}

async function becomesReady(url: string, child: Bun.Subprocess): Promise<boolean> {
  const giveUpAt = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < giveUpAt && child.exitCode === null && child.signalCode === null) {
    const response = await fetch(`${url}/health/ready`).catch(() => null);
    await response?.body?.cancel();
    if (response?.status === 200) return true;
    await Bun.sleep(25);
  }
  return false;
}
