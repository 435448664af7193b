import { join } from "node:path";
import { type Machine, machine } from "../bench/machine.ts";
import { networkFile, networkRepository } from "../bench/networks/repository.ts";
import { type Photographs, photographs } from "../bench/photographs.ts";
import { Progress } from "../bench/progress.ts";
import { CHECKOUT } from "../bench/server.ts";
import { markdownTable, plainTable } from "../bench/tables.ts";
import { withSection } from "../readme-section.ts";
import { pythonEnvironment, torchPackage } from "./environment.ts";
import { measurePeers } from "./measure.ts";
import { type Network, type Options, parseOptions, USAGE } from "./options.ts";
import type { Peer, Setting } from "./peers.ts";
import { failureTotal, type NetworkResult, type PeerResult } from "./results.ts";
import { type RunningPeer, startPeer } from "./running-peer.ts";
import type { Provisions } from "./server-process.ts";
import { percent, readmeRows, settingRows, terminalRows, warnings } from "./tables.ts";

/** `bun run bench:peers`: Pinhole beside what Python offers. See README.md beside this file. */

const WARM_UP_SECONDS = 1;
/** That the peers' settings are for. */
const CORES = 2;

if (import.meta.main) process.exit(await main(process.argv.slice(2)));

/** @returns exit status: 0 measured, 1 something failed (a request, an answer that differs), 2 not understood */
export async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  // Servers that are paused would wait for ever: whatever ends this process ends them, on "exit".
  process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143));
  try {
    return await run(options);
  } catch (error) {
    console.error(`\n${(error as Error).message}`);
    return 1;
  }
}

async function run(options: Options): Promise<number> {
  const about = machine(CHECKOUT, new Date());
  console.error(`${about.processor}, ${about.cores} cores, Bun ${about.bun}, ${about.revision ?? "no git"}`);
  if (about.cores !== CORES) {
    throw new Error(`The peers are set up for ${CORES} cores: taskset -c 0,1 bun run bench:peers`);
  }
  const python = await pythonEnvironment(console.error);
  const pictures = await photographs("256x256");
  const total = options.networks.length * options.rounds * contestants(options).flat().length;
  const progress = new Progress(total, {
    write: (text) => process.stderr.write(text),
    isTerminal: process.stderr.isTTY ?? false,
    now: () => performance.now(),
  });
  const results: NetworkResult[] = [];
  for (const network of options.networks) {
    const provisions = await provide(network, python);
    const peers: PeerResult[] = [];
    for (const group of contestants(options)) {
      peers.push(...(await measureGroup(group, provisions, pictures, { options, progress })));
    }
    const { connections } = options;
    const about = { name: pictures.name, count: pictures.files.length, kilobytes: pictures.kilobytes };
    results.push({ network, photographs: about, connections, peers });
  }
  progress.end();
  return await report(results, about, options);
}

type Contestant = { peer: Peer; setting: Setting };

/** Those of one group run beside each other and are measured by turns. */
function contestants({ peers, allSettings }: Options): Contestant[][] {
  if (!allSettings) return [peers.map((peer) => ({ peer, setting: peer.settings[0] }))];
  return peers.map((peer) => peer.settings.map((setting) => ({ peer, setting })));
}

async function provide(network: Network, python: string): Promise<Provisions> {
  const modelsDir = await networkRepository(network);
  const onnx = networkFile(network);
  const modelFolder = onnx.slice(0, onnx.lastIndexOf("/"));
  const compiled = await torchPackage(python, { name: network, onnx }, console.error);
  return { network, modelsDir, modelFolder, python, torchPackage: compiled };
}

async function measureGroup(
  group: readonly Contestant[],
  provisions: Provisions,
  pictures: Photographs,
  { options, progress }: { options: Options; progress: Progress },
): Promise<PeerResult[]> {
  await using started = new AsyncDisposableStack();
  const running: RunningPeer[] = [];
  for (const { peer, setting } of group) {
    progress.note(`starting ${peer.name}`);
    running.push(started.use(await startPeer(peer, setting, provisions, pictures.files[0]!)));
  }
  const { connections, seconds, rounds } = options;
  return await measurePeers(running, provisions.network, pictures, {
    connections,
    seconds,
    rounds,
    progress,
    warmUpSeconds: Math.min(WARM_UP_SECONDS, seconds),
  });
}

async function report(results: readonly NetworkResult[], about: Machine, options: Options): Promise<number> {
  for (const result of results) console.log(`\n${heading(result)}\n\n${plainTable(terminalRows(result), 2)}`);
  if (options.json !== null) {
    await Bun.write(options.json, `${JSON.stringify({ machine: about, results }, null, 2)}\n`);
  }
  if (options.updateReadme && options.allSettings) await updateSettings(results, options);
  else if (options.updateReadme) {
    const file = Bun.file(join(CHECKOUT, "README.md"));
    await Bun.write(file, withSection(await file.text(), "peers", readmeSection(results, about, options)));
  }
  const found = warnings(results);
  if (found.length > 0) console.error(`\n${found.join("\n")}`);
  const isWrong =
    failureTotal(results) > 0 || results.some(({ peers }) => peers.some((peer) => !peer.sameWork));
  return isWrong ? 1 : 0;
}

async function updateSettings([result]: readonly NetworkResult[], { peers }: Options): Promise<void> {
  const file = Bun.file(join(import.meta.dir, "README.md"));
  let text = await file.text();
  for (const { name } of peers) {
    const rows = settingRows(result!.peers.filter((peer) => peer.name === name));
    text = withSection(text, name, markdownTable(rows, 1));
  }
  await Bun.write(file, text);
}

function heading({ network, photographs: { name, kilobytes }, connections }: NetworkResult): string {
  return `${network}, photographs of ${name} (${kilobytes.toFixed(0)} kB), ${connections} connections`;
}

function readmeSection(
  results: readonly NetworkResult[],
  about: Machine,
  { rounds, seconds }: Options,
): string {
  const others = Math.max(...results.flatMap(({ peers }) => peers.map(({ median }) => median.otherCores)));
  const tables = results.map((result) => `${heading(result)}:\n\n${markdownTable(readmeRows(result), 1)}`);
  return `${tables.join("\n\n")}

Medians of ${rounds} interleaved rounds of ${seconds} s; CPU of all of a server's processes for each request, memory what
they hold together; load generator on the same ${about.cores} cores, of which everything else took at most ${percent(others)} of one
(${about.processor}, Bun ${about.bun}, revision ${about.revision ?? "unknown"}, ${about.at.slice(0, 10)}).`;
}
