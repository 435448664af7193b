import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = new URL("../..", import.meta.url).pathname;
const START_TIMEOUT_MS = 60_000;
const SAID_TIMEOUT_MS = 20_000;

export const OPERATOR_TOKEN = "operator-token-of-the-tests-0123456789";

/** A server of its own on a free port of loopback. */
export interface RunningServer extends AsyncDisposable {
  url: string;
  port: number;
  /** Of the supervisor, where there is one. */
  pid: number;
  dataDir: string;
  /** Exit code once it has ended; 128 and the signal's number where a signal ended it. */
  exited: Promise<number>;
  /** Everything it has written so far. Lines are written together, some time after what they tell of. */
  log(): Promise<string>;
  /** The log once it holds `text` that many times; throws with its end when it does not come to that. */
  said(text: string, times?: number): Promise<string>;
  signal(name: "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGUSR2" | "SIGSTOP" | "SIGCONT" | "SIGKILL"): void;
  /** SIGTERM, then waits for the end. The data directory goes with it, if it is its own. */
  stop(): Promise<number>;
}

export interface StartOptions {
  /** Kept when the server stops; by default a fresh one, removed then. */
  dataDir?: string;
  /** A command that runs the server as its child, such as a tracer. */
  under?: string[];
  /** As `bun start` starts it: under its supervisor, whose exit code and signals these then are. */
  supervised?: boolean;
}

/** Starts a server with these settings (all others have their defaults) and waits until it is ready. */
export async function startServer(
  settings: Record<string, string> = {},
  options: StartOptions = {},
): Promise<RunningServer> {
  const home = await mkdtemp(join(tmpdir(), "pinhole-test-"));
  const dataDir = options.dataDir ?? join(home, "data");
  const port = settings.PORT === undefined ? freePort() : Number(settings.PORT);
  const streams = { stdout: join(home, "stdout.log"), stderr: join(home, "stderr.log") };
  for (const path of Object.values(streams)) await Bun.write(path, "");
  const entry = options.supervised ? "src/supervisor/main.ts" : "src/index.ts";
  const child = Bun.spawn([...(options.under ?? []), process.execPath, "--no-env-file", entry], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      MALLOC_ARENA_MAX: "2",
      ORT_DISABLE_TELEMETRY: "1",
      PORT: String(port),
      PINHOLE_DATA_DIR: dataDir,
      PINHOLE_OPERATOR_TOKEN: OPERATOR_TOKEN,
      PINHOLE_LOG_LEVEL: "info",
      ...settings,
    },
    stdin: "ignore",
    stdout: Bun.file(streams.stdout),
    stderr: Bun.file(streams.stderr),
  });
  const server: RunningServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid,
    dataDir,
    exited: child.exited,
    async log() {
      return `${await Bun.file(streams.stderr).text()}\n${await Bun.file(streams.stdout).text()}`;
    },
    async said(text, times = 1) {
      const giveUpAt = performance.now() + SAID_TIMEOUT_MS;
      let log = await server.log();
      while (log.split(text).length - 1 < times) {
        if (performance.now() > giveUpAt)
          throw new Error(`the log does not say "${text}" ${times} times:\n${log.slice(-4000)}`);
        await Bun.sleep(25);
        log = await server.log();
      }
      return log;
    },
    signal: (name) => child.kill(name),
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
      const code = await child.exited;
      clearTimeout(late);
      await rm(home, { recursive: true, force: true });
      return code;
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
    },
  };
  try {
    await becomesReady(server);
  } catch (thrown) {
    const log = await server.log();
    child.kill("SIGKILL");
    await server.stop();
    throw new Error(`the server did not start: ${thrown}\n${log.slice(-4000)}`);
  }
  return server;
}

async function becomesReady(server: RunningServer): Promise<void> {
  const giveUpAt = performance.now() + START_TIMEOUT_MS;
  let ended: number | undefined;
  server.exited.then((code) => {
    ended = code;
  });
  while (performance.now() < giveUpAt) {
    if (ended !== undefined) throw new Error(`it ended with code ${ended}`);
    const response = await fetch(`${server.url}/health/ready`).catch(() => null);
    await response?.body?.cancel();
    if (response?.status === 200) return;
    await Bun.sleep(25);
  }
  throw new Error(`not ready after ${START_TIMEOUT_MS} ms`);
}

export function freePort(): number {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

export const asOperator = { headers: { Authorization: `Bearer ${OPERATOR_TOKEN}` } };

/** What the last response carries, for the message of a failing test. */
export async function described(response: Response): Promise<string> {
  return `${response.status} ${(await response.clone().text()).slice(0, 500)}`;
}
