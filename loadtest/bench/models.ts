import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { NETWORK_NAMES, type NetworkName } from "./networks/catalogue.ts";
import { networkRepository } from "./networks/repository.ts";
import type { ModelName } from "./plan.ts";
import { CHECKOUT } from "./server.ts";

export interface ServableModel {
  name: ModelName;
  /** A model repository that holds it. */
  modelsDir: string;
  /** Of its version, with the manifest. */
  folder: string;
}

/** A model where it lies; the networks are built when they are not there yet. */
export async function servableModel(name: ModelName): Promise<ServableModel> {
  const isNetwork = NETWORK_NAMES.includes(name as NetworkName);
  const modelsDir = isNetwork ? await networkRepository(name as NetworkName) : join(CHECKOUT, "models");
  const entries = await readdir(join(modelsDir, name));
  const versions = entries.filter((entry) => /^\d/.test(entry)).sort(Bun.semver.order);
  return { name, modelsDir, folder: join(modelsDir, name, versions.at(-1)!) };
}
