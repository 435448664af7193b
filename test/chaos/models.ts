import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";

const ROOT = new URL("../..", import.meta.url).pathname;

/** The steady load is for the model that ships; the others are there to be broken. */
export const WEDGING_MODEL = "wedges-on-grey";
export const FAILING_MODEL = "fails-on-white";

/** A model repository in `directory` with the default model, one that can be wedged, and one that can fail. */
export async function chaosModels(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  for (const source of [
    "models/leaf-disease",
    `test/fixtures/wedging-models/${WEDGING_MODEL}`,
    `test/fixtures/models/${FAILING_MODEL}`,
  ])
    await cp(join(ROOT, source), join(directory, source.split("/").at(-1)!), {
      recursive: true,
      filter: (path) => !path.includes("/training"),
    });
  return directory;
}
