import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A revision of this repository in a folder of its own, with its packages. */
export interface Checkout extends AsyncDisposable {
  path: string;
}

/**
 * By `git archive`, so that the repository knows nothing of it and nothing is left behind when it is killed.
 * @throws Error where there is no such revision, or its packages cannot be installed
 */
export async function checkOut(repository: string, revision: string): Promise<Checkout> {
  const path = await mkdtemp(join(tmpdir(), "pinhole-revision-"));
  const leaveNothing = () => rmSync(path, { recursive: true, force: true });
  process.on("exit", leaveNothing);
  const remove = async () => {
    process.off("exit", leaveNothing);
    await rm(path, { recursive: true, force: true });
  };
  try {
    const archive = join(path, ".archive.tar");
    await run(["git", "-C", repository, "archive", "--output", archive, revision], path);
    await run(["tar", "-xf", archive], path);
    await rm(archive);
    await run([process.execPath, "install", "--frozen-lockfile", "--silent"], path);
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: remove };
}

async function run(argv: string[], cwd: string): Promise<void> {
  const child = Bun.spawn(argv, { cwd, stdout: "ignore", stderr: "pipe" });
  const [words, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(`${argv.slice(0, 4).join(" ")} ended with ${code}: ${words.trim()}`);
}
