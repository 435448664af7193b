import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Label } from "../model-repository/manifest.ts";

/** Every photograph below a folder, by what its name ends in: paths relative to `directory`, in order. */
export async function photographs(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && /\.(jpe?g|png|webp|gif)$/i.test(entry.name))
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

/** Index of the class whose id the photograph's folder is called by; null: something that the model does not know. */
export function truthOf(file: string, labels: readonly Label[]): number | null {
  const folder = file.split("/").at(-2);
  const index = labels.findIndex(({ class_id }) => class_id === folder);
  return index === -1 ? null : index;
}
