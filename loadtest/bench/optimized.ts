import { cp, mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { type ServableModel, servableModel } from "./models.ts";
import { photographs } from "./photographs.ts";
import type { ModelName } from "./plan.ts";
import { CHECKOUT } from "./server.ts";

/** Git ignores it. */
const OPTIMIZED_DIR = new URL("../.cache/optimized", import.meta.url).pathname;
const VERSION = "1.0.0-int8";

export interface OptimizedModel extends ServableModel {
  /** File of what models:optimize measured. */
  figures: string;
}

/**
 * The int8 version of a network, made once by `bun run models:optimize` and kept. Random weights answer at random, so
 * what it answers is not looked at: it serves for speed only.
 * @returns a model repository that holds nothing else
 * @throws Error where it cannot be made, or is not faster
 */
export async function optimizedModel(name: ModelName, parent = OPTIMIZED_DIR): Promise<OptimizedModel> {
  const modelsDir = join(parent, "int8", name);
  const folder = join(modelsDir, name, VERSION);
  const figures = join(parent, `${name}.json`);
  if (await stat(join(folder, "manifest.json")).catch(() => null))
    return { name, modelsDir, folder, figures };

  const source = await servableModel(name);
  const pictures = await photographs("256x256");
  // A copy: servers of the float32 version are not to load the other one as well.
  const making = join(parent, "float32", name);
  await rm(making, { recursive: true, force: true });
  await cp(source.folder, join(making, name, "1.0.0"), { recursive: true });
  await optimize(name, {
    "models-dir": relative(CHECKOUT, making),
    images: relative(CHECKOUT, dirname(pictures.files[0]!)),
    "min-agreement": "0",
    json: relative(CHECKOUT, figures),
  });
  await mkdir(dirname(folder), { recursive: true });
  await rename(join(making, name, VERSION), folder);
  return { name, modelsDir, folder, figures };
}

async function optimize(name: string, options: Record<string, string>): Promise<void> {
  const args = Object.entries(options).flatMap(([option, value]) => [`--${option}`, value]);
  const command = [process.execPath, "--no-env-file", "src/commands/models-optimize.ts", name, ...args];
  // Settings of whoever measures are none of its.
  const { PATH, HOME, XDG_CACHE_HOME } = process.env;
  const env = { PATH, HOME, XDG_CACHE_HOME, ORT_DISABLE_TELEMETRY: "1" };
  const child = Bun.spawn(command, { cwd: CHECKOUT, env, stdout: "inherit", stderr: "inherit" });
  if ((await child.exited) !== 0) throw new Error(`models:optimize ${name} ended with ${child.exitCode}`);
}
