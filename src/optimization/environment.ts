import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { GRAPH_FOLDER } from "./graph-tool.ts";
import { GraphToolError } from "./graph-tool-error.ts";

export interface GraphEnvironmentOptions {
  /** Environments are kept in it, one for each set of requirements. */
  cacheDir: string;
  onProgress(done: number, of: number, what: string): void;
  signal: AbortSignal;
  /** By default the machine's `PATH`. */
  path?: string;
  /** By default those of the package. */
  requirements?: string;
}

export interface GraphEnvironment {
  /** Absolute path of the interpreter. */
  python: string;
  /** SHA-256 of requirements and sources: what was made with another one may be different. */
  digest: string;
}

/** What ONNX Runtime's packages want, newest first. */
const PYTHONS = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];
const OLDEST = [3, 11] as const;
const HOW_TO_GET = `Quantising wants Python ${OLDEST.join(".")} or later with venv and pip, which serving does not. On Debian or Ubuntu: apt-get install python3-venv; with Homebrew: brew install python; with Fedora: dnf install python3.`;
const MARK = "complete";

/**
 * The Python environment for graph work, made the first time: beside its place and renamed when it is whole, so that
 * whoever is killed half-way leaves none that is half.
 * @throws GraphToolError where Python is missing or packages cannot be had; the signal's reason when aborted
 */
export async function graphEnvironment(options: GraphEnvironmentOptions): Promise<GraphEnvironment> {
  const { cacheDir, onProgress, signal } = options;
  const requirements = options.requirements ?? join(GRAPH_FOLDER, "requirements.txt");
  const base = findPython(options.path);
  if (base === null) throw new GraphToolError(HOW_TO_GET);
  const pins = await Bun.file(requirements).text();
  const key = digestOf([pins, base.version]).slice(0, 16);
  const home = join(cacheDir, `optimize-${key}`);
  const environment = { python: join(home, "bin/python"), digest: digestOf([pins, await sources()]) };
  if (await Bun.file(join(home, MARK)).exists()) return environment;

  const half = `${home}.${process.pid}`;
  try {
    await mkdir(cacheDir, { recursive: true });
    onProgress(0, 2, "making a Python environment");
    await command([base.path, "-m", "venv", half], signal);
    onProgress(1, 2, "installing ONNX Runtime's Python packages (200 MB, once)");
    const pip = [
      join(half, "bin/python"),
      "-m",
      "pip",
      "install",
      "--disable-pip-version-check",
      "--no-deps",
    ];
    await command([...pip, "--quiet", "--no-compile", "--requirement", requirements], signal);
    await Bun.write(join(half, MARK), "");
    await takePlace(half, home);
    onProgress(2, 2, "Python environment ready");
    return environment;
  } finally {
    await rm(half, { recursive: true, force: true });
  }
}

/** Of two that were made at once the first one stays. */
async function takePlace(half: string, home: string): Promise<void> {
  if (!(await Bun.file(join(home, MARK)).exists())) await rm(home, { recursive: true, force: true });
  try {
    await rename(half, home);
  } catch (thrown) {
    if (!(await Bun.file(join(home, MARK)).exists())) throw thrown;
  }
}

function findPython(path: string | undefined): { path: string; version: string } | null {
  const program = `import sys, venv, ensurepip; assert sys.version_info >= (${OLDEST.join(", ")}); print(sys.executable, sys.version)`;
  for (const name of PYTHONS) {
    const found = Bun.which(name, path === undefined ? undefined : { PATH: path });
    if (!found) continue;
    const asked = Bun.spawnSync([found, "-c", program], { stderr: "ignore" });
    if (asked.exitCode === 0) return { path: found, version: asked.stdout.toString() };
  }
  return null;
}

async function command(argv: string[], signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const child = Bun.spawn(argv, {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    signal,
    killSignal: "SIGKILL",
  });
  const [complaint, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  signal.throwIfAborted();
  if (code === 0) return;
  const line = complaint
    .split("\n")
    .filter((text) => /error|no space/i.test(text))
    .at(-1);
  throw new GraphToolError(
    `The Python environment could not be made: ${line?.trim() ?? `${argv.slice(1, 4).join(" ")} ended with ${code}`}. Is the package index (PyPI) within reach, and is there room for 250 MB?`,
  );
}

async function sources(): Promise<string> {
  const files = [...new Bun.Glob("pinhole_graph/*.py").scanSync({ cwd: GRAPH_FOLDER })].sort();
  const texts = await Promise.all(files.map((file) => Bun.file(join(GRAPH_FOLDER, file)).text()));
  return texts.join("\n");
}

function digestOf(texts: readonly string[]): string {
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(texts)).digest("hex");
}
