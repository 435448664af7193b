import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { NAME_PATTERN, VERSION_PATTERN } from "./manifest.ts";

/** A folder of the models directory that holds, or ought to hold, one version of a model. */
export interface ModelFolder {
  /** "<name>/<version>" */
  key: string;
  name: string;
  version: string;
  /** Absolute. */
  path: string;
}

/**
 * Every `<name>/<version>/` of a models directory that has a manifest or is called like a version, in order of
 * their names. Other folders (training code beside the versions, hidden ones) are none of ours.
 * @throws Error of node:fs when the directory cannot be read
 */
export async function modelFolders(modelsDir: string): Promise<ModelFolder[]> {
  const root = resolve(modelsDir);
  const isVersion = new RegExp(VERSION_PATTERN);
  const folders: ModelFolder[] = [];
  for (const name of await subfolders(root)) {
    for (const version of await subfolders(join(root, name))) {
      const path = join(root, name, version);
      const named = new RegExp(NAME_PATTERN).test(name) && isVersion.test(version);
      if (named || (await Bun.file(join(path, "manifest.json")).exists())) {
        folders.push({ key: `${name}/${version}`, name, version, path });
      }
    }
  }
  return folders;
}

/** Links to folders count: mounted volumes are made of them. */
async function subfolders(path: string): Promise<string[]> {
  const names = (await readdir(path)).filter((name) => !name.startsWith("."));
  const folders: string[] = [];
  for (const name of names.sort()) {
    const found = await stat(join(path, name)).catch(() => null);
    if (found?.isDirectory()) folders.push(name);
  }
  return folders;
}
