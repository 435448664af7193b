import { cp, mkdir, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { loadModel } from "../model-repository/load-model.ts";
import { type Label, type Manifest, type Model, parseManifest } from "../model-repository/manifest.ts";

/** What a version's folder holds beside its network. */
export interface VersionFiles {
  manifest: Manifest;
  labels: readonly Label[];
  card: string;
}

/** The version could not be put where it belongs. */
export class PublishError extends Error {
  override readonly name = "PublishError";
}

/**
 * Writes a version's files beside the network that lies in `folder` already, as the server reads them, and checks
 * them as the server does.
 * @throws ManifestError, GraphError, Error of node:fs
 */
export async function writeVersion(folder: string, files: VersionFiles): Promise<Model> {
  const manifest = parseManifest(files.manifest);
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  await writeFile(join(folder, "manifest.json"), json(manifest));
  await writeFile(join(folder, manifest.labels), json(files.labels));
  await writeFile(join(folder, "MODEL_CARD.md"), files.card);
  const { name, version } = manifest;
  return loadModel({ key: `${name}/${version}`, name, version, path: folder });
}

/**
 * Moves a folder into the models directory, where it appears whole or not at all.
 * @param key names what is hidden there while it is copied from another file system: one left by a process that was
 * killed meanwhile goes when the same work is done again
 * @throws PublishError where the version is there already; Error of node:fs
 */
export async function publish(
  folder: string,
  model: { modelsDir: string; name: string; version: string },
  key: string,
): Promise<string> {
  const home = join(resolve(model.modelsDir), model.name);
  const target = join(home, model.version);
  if (await stat(target).catch(() => null)) throw isThere(model);
  await mkdir(home, { recursive: true });
  const hidden = join(home, `.optimizing-${key}`);
  try {
    await rm(hidden, { recursive: true, force: true });
    await rename(folder, target).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EXDEV") throw error;
      await cp(folder, hidden, { recursive: true });
      await rename(hidden, target);
    });
  } catch (thrown) {
    await rm(hidden, { recursive: true, force: true });
    // Only where it holds nothing else.
    await rmdir(home).catch(() => undefined);
    const { code } = thrown as NodeJS.ErrnoException;
    throw code === "ENOTEMPTY" || code === "EEXIST" ? isThere(model) : thrown;
  }
  return target;
}

function isThere({ name, version }: { name: string; version: string }): PublishError {
  return new PublishError(`${name}/${version} is there already: choose another --version, or remove it.`);
}
