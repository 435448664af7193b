import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

const HERE = import.meta.dir;
/** Git ignores both. */
const VENV = new URL("../../test/.tools/peers", import.meta.url).pathname;
const CACHE = new URL("../.cache/peers", import.meta.url).pathname;
const PYTHON_VERSION = "3.11";

/** Something that this machine lacks, with how to get it. */
export class MissingTool extends Error {
  override readonly name = "MissingTool";
}

/**
 * The Python program of the virtual environment that holds requirements.txt, made when it is not there as it
 * should be: a download of some 2.5 GB, 5 GB on disk, most of it what torch's wheel is linked to.
 * @throws MissingTool
 */
export async function pythonEnvironment(say: (line: string) => void): Promise<string> {
  const requirements = join(HERE, "requirements.txt");
  const program = join(VENV, "bin/python");
  const wanted = sha256(await Bun.file(requirements).text());
  const stamp = Bun.file(join(VENV, "installed"));
  if ((await stamp.exists()) && (await stamp.text()) === wanted) return program;

  say(`Installing the peers into ${VENV} (once; about 2.5 GB, two minutes or more) ...`);
  await rm(VENV, { recursive: true, force: true });
  await mkdir(dirname(VENV), { recursive: true });
  await succeed([basePython(), "-m", "venv", VENV]);
  const install = [
    program,
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-cache-dir",
  ];
  await succeed([...install, "--no-deps", "-r", requirements]);
  await stamp.write(wanted);
  return program;
}

/**
 * The network of an ONNX file as torch serves it, compiled for this machine (once; about 30 s, with g++).
 * @param name as torchvision calls it
 * @returns path of the package
 * @throws MissingTool
 */
export async function torchPackage(
  python: string,
  { name, onnx }: { name: string; onnx: string },
  say: (line: string) => void,
): Promise<string> {
  const script = join(HERE, "servers/torch_network.py");
  const inputs = [Bun.file(onnx), Bun.file(script), Bun.file(join(HERE, "requirements.txt"))];
  const digest = sha256(...(await Promise.all(inputs.map((file) => file.bytes()))));
  const path = join(CACHE, `${name}-${digest.slice(0, 12)}.pt2`);
  if (await Bun.file(path).exists()) return path;

  if (!Bun.which("g++")) throw new MissingTool("torch compiles with g++ (Debian: apt-get install g++)");
  say(`Compiling ${name} with torch (once) ...`);
  await mkdir(CACHE, { recursive: true });
  await succeed([python, script, name, onnx, path]);
  return path;
}

function basePython(): string {
  for (const name of [`python${PYTHON_VERSION}`, "python3"]) {
    const found = Bun.which(name);
    if (!found) continue;
    const program = `import sys, venv, ensurepip; assert sys.version.startswith("${PYTHON_VERSION}.")`;
    if (Bun.spawnSync([found, "-c", program], { stderr: "ignore" }).exitCode === 0) return found;
  }
  throw new MissingTool(
    `the peers run on Python ${PYTHON_VERSION} with venv (Debian: apt-get install python3-venv)`,
  );
}

async function succeed(argv: readonly string[]): Promise<void> {
  const child = Bun.spawn([...argv], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });
  const [said, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new MissingTool(`${argv.join(" ")} ended with ${code}:\n${said.slice(-4000)}`);
}

function sha256(...parts: (string | Uint8Array)[]): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const part of parts) hasher.update(part);
  return hasher.digest("hex");
}
