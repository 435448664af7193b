import { chmod, chown, cp, lstat, mkdir, readdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, normalize, relative } from "node:path";
import { repositoryRoot } from "../run/command.ts";
import { type Instruction, pairs, parseDockerfile, type Stage, words } from "./dockerfile.ts";
import { ignoreRule } from "./ignore.ts";

const ENTER = new URL("enter.sh", import.meta.url).pathname;
/** Folders that enter.sh fills with what the base image would bring. */
const OF_THE_BASE = ["bin", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "sbin", "tmp", "usr"];
const BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const RUN_TIMEOUT_MS = 120_000;

/** What the steps of the Dockerfile came to. */
export interface Image {
  /** Its root folder, holding only what our steps added to the base. */
  root: string;
  base: string;
  env: Record<string, string>;
  labels: Record<string, string>;
  user: string;
  folder: string;
  volumes: string[];
  entrypoint: string[];
  command: string[];
  healthcheck: Instruction | null;
  stopSignal: string;
}

/**
 * Executes the steps of the repository's Dockerfile under `scratch`, one root folder for each stage. There is no
 * base image: RUN finds the system of this machine and the Bun that runs the tests in its place, read-only.
 * Wants to be root, and mount namespaces. Throws at the first step that fails.
 */
export async function buildImage(scratch: string): Promise<Image> {
  const stages = parseDockerfile(await Bun.file(join(repositoryRoot(), "Dockerfile")).text());
  const built = new Map<string, string>();
  let image: Image | undefined;
  for (const [index, stage] of stages.entries()) {
    const root = join(scratch, `stage-${index}`);
    await mkdir(root, { recursive: true });
    image = await buildStage(stage, root, built);
    built.set(stage.name, root);
  }
  return image!;
}

async function buildStage(stage: Stage, root: string, built: ReadonlyMap<string, string>): Promise<Image> {
  const image: Image = {
    root,
    base: stage.image,
    env: { PATH: BASE_PATH },
    labels: {},
    user: "0:0",
    folder: "/",
    volumes: [],
    entrypoint: [],
    command: [],
    healthcheck: null,
    stopSignal: "SIGTERM",
  };
  const args: Record<string, string> = {};
  for (const step of stage.instructions) {
    switch (step.name) {
      case "ARG":
        Object.assign(args, pairs(step.text, args));
        break;
      case "ENV":
        Object.assign(image.env, pairs(step.text, { ...args, ...image.env }));
        break;
      case "LABEL":
        Object.assign(image.labels, pairs(step.text, { ...args, ...image.env }));
        break;
      case "WORKDIR":
        image.folder = step.text;
        await mkdir(join(root, step.text), { recursive: true });
        break;
      case "COPY":
        await copy(step, image, built);
        break;
      case "RUN":
        await run(step, image);
        break;
      case "USER":
        image.user = step.text;
        break;
      case "VOLUME":
        image.volumes.push(...(step.exec ?? words(step.text)));
        break;
      case "ENTRYPOINT":
        image.entrypoint = step.exec ?? ["/bin/sh", "-c", step.text];
        image.command = [];
        break;
      case "CMD":
        image.command = step.exec ?? ["/bin/sh", "-c", step.text];
        break;
      case "HEALTHCHECK":
        image.healthcheck = step;
        break;
      case "STOPSIGNAL":
        image.stopSignal = step.text;
        break;
      case "EXPOSE":
        break;
      default:
        throw new Error(`${step.name} is not known here: teach it to test/docker/image.ts`);
    }
  }
  return image;
}

/** Folders give their content, as in Docker; all that is copied belongs to root. */
async function copy(step: Instruction, image: Image, built: ReadonlyMap<string, string>): Promise<void> {
  const names = words(step.text);
  const target = normalize(
    join(image.root, names.at(-1)!.startsWith("/") ? "" : image.folder, names.at(-1)!),
  );
  const from = step.flags.from === undefined ? repositoryRoot() : built.get(step.flags.from);
  if (from === undefined) throw new Error(`COPY from ${step.flags.from}: no such stage`);
  const isIgnored =
    step.flags.from === undefined
      ? ignoreRule(await Bun.file(join(from, ".dockerignore")).text())
      : () => false;
  for (const name of names.slice(0, -1)) {
    const source = join(from, name);
    const isFolder = (await stat(source)).isDirectory();
    const to = isFolder || !target.endsWith("/") ? target : join(target, name.split("/").at(-1)!);
    await mkdir(dirname(to), { recursive: true });
    if (!isFolder && isIgnored(normalize(name))) throw new Error(`COPY ${name}: .dockerignore leaves it out`);
    await cp(source, to, {
      recursive: true,
      filter: async (path) => (await stat(path)).isDirectory() || !isIgnored(relative(from, path)),
    });
    await giveToRoot(to);
  }
}

async function giveToRoot(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return;
  await chown(path, 0, 0);
  await chmod(path, found.isDirectory() ? 0o755 : 0o644);
  if (found.isDirectory()) for (const name of await readdir(path)) await giveToRoot(join(path, name));
}

async function run(step: Instruction, image: Image): Promise<void> {
  const cache = join(homedir(), ".bun/install/cache");
  await mkdir(cache, { recursive: true });
  const argv = step.exec ?? ["/bin/sh", "-c", step.text];
  const child = Bun.spawn(enter(image, "build", "0:0", argv), {
    env: {
      ...throughTheProxy(),
      ...image.env,
      HOME: "/root",
      BUN: process.execPath,
      ...baseSystem(),
      INSTALL_CACHE: cache,
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    timeout: RUN_TIMEOUT_MS,
  });
  const complaint = await child.stderr.text();
  if ((await child.exited) !== 0) throw new Error(`RUN ${step.text}: ${complaint}`);
}

/** A command inside the image, in a mount namespace that ends with it. */
export function enter(image: Image, mode: "build" | "run", user: string, argv: readonly string[]): string[] {
  return ["unshare", "--mount", ENTER, image.root, mode, user, image.folder, ...argv];
}

/** The system in the place of the base image; this machine's where PINHOLE_TEST_BASE names no other. */
export function baseSystem(): { BASE?: string } {
  const base = process.env.PINHOLE_TEST_BASE;
  return base === undefined ? {} : { BASE: base };
}

/** What a machine behind a proxy needs to reach the package registry. */
function throughTheProxy(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) =>
      /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|npm_config_registry)$/i.test(name),
    ),
  );
}

/** Every file that our steps added, with its size in bytes: what our layers hold, uncompressed. */
export async function addedFiles(image: Image): Promise<Map<string, number>> {
  const files = new Map<string, number>();
  const glob = new Bun.Glob("**/*");
  for await (const path of glob.scan({ cwd: image.root, dot: true, onlyFiles: true, followSymlinks: false }))
    if (!OF_THE_BASE.includes(path.split("/")[0]!))
      files.set(path, (await lstat(join(image.root, path))).size);
  return files;
}
