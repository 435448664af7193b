import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { graphEnvironment } from "../../src/optimization/environment.ts";
import { command, repositoryRoot } from "./command.ts";
import { k6Program } from "./k6-program.ts";
import type { Missing } from "./report.ts";

/** Programs that tests need beside Bun, each where it is, or what is missing and how to get it. */
export interface Tools {
  /** Folder of the programs of test/tools/requirements.txt, `python` among them. */
  python: string | Missing;
  /** The interpreter of the environment in which models:optimize does its graph work. */
  graphPython: string | Missing;
  /** The k6 program. */
  k6: string | Missing;
  /** The nginx program; its tests want openssl, too. */
  nginx: string | Missing;
  /** The promtool program, with prometheus beside it. */
  promtool: string | Missing;
  /** systemd-analyze, with systemd-notify and strace beside it; systemd itself need not run. */
  systemd: string | Missing;
  /** The unshare program, where it may make mount namespaces. */
  namespaces: string | Missing;
}

const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** Finds the tools and installs into test/.tools what can be installed without touching the machine. */
export async function gatherTools(): Promise<Tools> {
  const home = join(repositoryRoot(), "test/.tools");
  await mkdir(home, { recursive: true });
  return {
    python: await pythonTools(join(home, "venv")),
    graphPython: await graphPython(join(home, "optimize-cache/pinhole")),
    k6: await k6Program(),
    nginx: nginx(),
    promtool: promtool(),
    systemd: systemd(),
    namespaces: namespaces(),
  };
}

/** Debian keeps it where only root looks. */
function nginx(): string | Missing {
  const found = Bun.which("nginx") ?? Bun.which("nginx", { PATH: "/usr/sbin:/usr/local/sbin" });
  if (found && Bun.which("openssl")) return found;
  return { what: "nginx or openssl", howToGet: "Debian: apt-get install nginx-light openssl" };
}

function promtool(): string | Missing {
  const found = Bun.which("promtool");
  if (found && Bun.which("prometheus")) return found;
  return { what: "Prometheus", howToGet: "Debian: apt-get install --no-install-recommends prometheus" };
}

function systemd(): string | Missing {
  const [found, ...others] = ["systemd-analyze", "systemd-notify", "strace"].map((name) => Bun.which(name));
  if (found && others.every((path) => path)) return found;
  return {
    what: "systemd or strace",
    howToGet: "Debian: apt-get install --no-install-recommends systemd strace",
  };
}

function namespaces(): string | Missing {
  const found = Bun.which("unshare");
  if (found && Bun.spawnSync([found, "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).exitCode === 0)
    return found;
  return { what: "the right to mount", howToGet: "run as root on Linux, with CAP_SYS_ADMIN" };
}

async function pythonTools(venv: string): Promise<string | Missing> {
  const howToGet = "Python 3.11 or later with venv and pip (Debian: apt-get install python3-venv)";
  const bin = join(venv, "bin");
  const base = findPython();
  if (!base) return { what: "Python", howToGet };
  const requirements = join(repositoryRoot(), "test/tools/requirements.txt");
  const digest = new Bun.CryptoHasher("sha256")
    .update(await Bun.file(requirements).text())
    .update(base.version);
  const stamp = Bun.file(join(venv, "installed"));
  const wanted = digest.digest("hex");
  if ((await stamp.exists()) && (await stamp.text()) === wanted) return bin;

  console.log("Installing the Python tools of test/tools/requirements.txt ...");
  await rm(venv, { recursive: true, force: true });
  const install = [join(bin, "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  for (const argv of [
    [base.path, "-m", "venv", venv],
    [...install, "--no-deps", "-r", requirements],
  ]) {
    const code = await command(argv, { timeoutMs: INSTALL_TIMEOUT_MS });
    if (code !== 0)
      return { what: "the Python tools", howToGet: `${howToGet}, and PyPI within reach: see above` };
  }
  await stamp.write(wanted);
  return bin;
}

/** Installed by the command's own code, where the command's own tests look for it, too. */
async function graphPython(cacheDir: string): Promise<string | Missing> {
  const onProgress = (_done: number, _of: number, what: string) => console.log(what);
  const signal = AbortSignal.timeout(INSTALL_TIMEOUT_MS);
  try {
    return (await graphEnvironment({ cacheDir, onProgress, signal })).python;
  } catch (thrown) {
    return { what: "the Python packages for graph work", howToGet: (thrown as Error).message };
  }
}

function findPython(): { path: string; version: string } | null {
  for (const name of ["python3", "python3.14", "python3.13", "python3.12", "python3.11"]) {
    const path = Bun.which(name);
    if (!path) continue;
    const program =
      "import sys, venv, ensurepip; assert sys.version_info >= (3, 11); print(sys.executable, sys.version)";
    const asked = Bun.spawnSync([path, "-c", program], { stderr: "ignore" });
    if (asked.exitCode === 0) return { path, version: asked.stdout.toString() };
  }
  return null;
}
