import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/system/server.ts";
import { tree, treeUsage, type Usage } from "../bench/process-tree.ts";
import { CHECKOUT, startServer } from "../bench/server.ts";
import { mappedBytesOf } from "./mappings.ts";
import type { Peer, Setting } from "./peers.ts";

/** What all servers are given alike. */
export interface Provisions {
  /** Name of the network. */
  network: string;
  /** A model repository that holds it, and its folder in there. */
  modelsDir: string;
  modelFolder: string;
  /** The Python program of the peers' environment. */
  python: string;
  /** The network as torch serves it. */
  torchPackage: string;
}

const SERVERS = new URL("servers", import.meta.url).pathname;
const STOP_TIMEOUT_MS = 10_000;

/** A server that was started; it need not answer yet. */
export interface ServerProcess {
  pid: number;
  origin: string;
  usage(): Usage;
  isAlive(): boolean;
  words(): Promise<string>;
  stop(): Promise<void>;
}

export async function startPinhole({ modelsDir, network }: Provisions): Promise<ServerProcess> {
  const server = await startServer({ checkout: CHECKOUT, modelsDir, model: network, cache: false });
  return {
    pid: server.pid,
    origin: server.url,
    usage: server.usage,
    isAlive: () => true,
    words: async () => "",
    stop: server.stop,
  };
}

export async function startPython(
  peer: Peer,
  setting: Setting,
  provisions: Provisions,
): Promise<ServerProcess> {
  const scratch = await mkdtemp(join(tmpdir(), "pinhole-peer-"));
  const log = join(scratch, "log");
  const port = freePort();
  const { python, modelFolder, torchPackage } = provisions;
  const child = Bun.spawn([python, ...peer.argv(port)], {
    cwd: SERVERS,
    env: {
      PATH: `${python.slice(0, python.lastIndexOf("/"))}:/usr/bin:/bin`,
      HOME: scratch,
      TMPDIR: scratch,
      PYTHONDONTWRITEBYTECODE: "1",
      // Whatever numpy or torch bring along is not to take the cores that the processes share.
      OMP_NUM_THREADS: "1",
      OPENBLAS_NUM_THREADS: "1",
      BENTOML_DO_NOT_TRACK: "true",
      PEER_PORT: String(port),
      PEER_MODEL: modelFolder,
      PEER_TORCH_PACKAGE: torchPackage,
      ...setting.env,
    },
    stdin: "ignore",
    stdout: Bun.file(log),
    stderr: Bun.file(log),
  });
  const end = () => {
    signal(tree(child.pid), "SIGKILL");
    rmSync(scratch, { recursive: true, force: true });
  };
  process.on("exit", end);
  return {
    pid: child.pid,
    origin: `http://127.0.0.1:${port}`,
    usage: () => usageOf(child.pid, peer.uncounted),
    isAlive: () => child.exitCode === null && child.signalCode === null,
    words: async () => (await Bun.file(log).text()).slice(-4000),
    async stop() {
      // Some leave their workers behind when they are asked to end.
      const members = tree(child.pid);
      child.kill("SIGTERM");
      await Promise.race([child.exited, Bun.sleep(STOP_TIMEOUT_MS)]);
      process.off("exit", end);
      signal([...members, ...tree(child.pid)], "SIGKILL");
      await child.exited;
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

function usageOf(pid: number, uncounted: RegExp | null): Usage {
  const usage = treeUsage(pid);
  if (uncounted) usage.residentBytes -= mappedBytesOf(tree(pid), uncounted);
  return usage;
}

/** Sends it to all that are still there. */
export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  }
}
