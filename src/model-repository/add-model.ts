import { readFileSync } from "node:fs";
import { copyFile, mkdir, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type Draft, DraftError, draftManifest } from "./draft.ts";
import { readGraph } from "./graph.ts";
import { type Label, NAME_PATTERN, parseLabels, parseManifest, VERSION_PATTERN } from "./manifest.ts";
import { fileSha256 } from "./model-files.ts";

export interface AddOptions {
  /** The ONNX file. */
  file: string;
  modelsDir: string;
  /** Default: the file's name, as far as it can be one. */
  name?: string;
  /** Default: 0.1.0. */
  version?: string;
  /** A `.json` list of names or of labels, or a text file with one name a line, in the order of the logits. */
  labels?: string;
  /** Replace the version when it is there. */
  force?: boolean;
}

export interface Added extends Draft {
  folder: string;
}

const MODEL_FILE = "model.onnx";

/**
 * Puts an ONNX file into the models directory with a drafted manifest. Written beside and moved into place:
 * a run that fails leaves nothing.
 * @throws DraftError, GraphError, ManifestError, Error of node:fs
 */
export async function addModel(options: AddOptions): Promise<Added> {
  const name = options.name ?? nameFrom(options.file);
  const version = options.version ?? "0.1.0";
  mustMatch("name", name, NAME_PATTERN);
  mustMatch("version", version, VERSION_PATTERN);
  const folder = join(resolve(options.modelsDir), name, version);
  const taken = await stat(folder).catch(() => null);
  if (taken && !options.force) {
    throw new DraftError(`${name}/${version} is there already: choose another --version, or say --force.`);
  }

  const graph = readGraph(readFileSync(resolve(options.file)));
  const given = options.labels === undefined ? null : await readLabels(options.labels);
  // Hidden, so that a server that starts meanwhile does not take it for a version.
  const temporary = join(dirname(folder), `.adding-${crypto.randomUUID()}`);
  await mkdir(temporary, { recursive: true });
  try {
    await copyFile(options.file, join(temporary, MODEL_FILE));
    const externalData: { file: string; sha256: string }[] = [];
    for (const file of graph.externalFiles) {
      if (file !== basename(file)) {
        throw new DraftError(`The graph reads ${JSON.stringify(file)}: save it with its data beside it.`);
      }
      await copyFile(join(dirname(options.file), file), join(temporary, file));
      externalData.push({ file, sha256: await fileSha256(join(temporary, file)) });
    }
    const draft = draftManifest(graph, {
      name,
      version,
      file: MODEL_FILE,
      sha256: await fileSha256(join(temporary, MODEL_FILE)),
      ...(externalData.length > 0 ? { external_data: externalData } : {}),
      labels: given?.length ?? null,
    });
    const labels = given ?? standInLabels(draft.classes);
    await writeJson(join(temporary, "manifest.json"), parseManifest(draft.manifest));
    await writeJson(join(temporary, "labels.json"), parseLabels(labels));
    await moveIntoPlace(temporary, folder);
    return { ...draft, folder };
  } catch (thrown) {
    await rm(temporary, { recursive: true, force: true });
    // The model's own folder goes, too, where it holds nothing else.
    await rmdir(dirname(folder)).catch(() => undefined);
    throw thrown;
  }
}

/** The version that was there is moved aside first and put back when the new one cannot take its place. */
async function moveIntoPlace(temporary: string, folder: string): Promise<void> {
  const aside = `${temporary}-replaced`;
  const replaces = await rename(folder, aside).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
  try {
    await rename(temporary, folder);
  } catch (thrown) {
    if (replaces) await rename(aside, folder);
    throw thrown;
  }
  await rm(aside, { recursive: true, force: true });
}

function nameFrom(file: string): string {
  const name = basename(file)
    .replace(/\.[^.]*$/, "")
    .toLowerCase();
  return name.replaceAll(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+/, "");
}

function mustMatch(field: string, value: string, pattern: string): void {
  if (!new RegExp(pattern).test(value)) {
    throw new DraftError(`--${field} ${JSON.stringify(value)} does not match ${pattern}.`);
  }
}

async function readLabels(file: string): Promise<Label[]> {
  const text = await Bun.file(file).text();
  if (!file.endsWith(".json")) {
    return labelsOf(
      text
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== ""),
    );
  }
  const json: unknown = JSON.parse(text);
  const isNames = Array.isArray(json) && json.every((entry) => typeof entry === "string");
  return isNames ? labelsOf(json) : parseLabels(json);
}

/** Class ids made of names, told apart by number where two come out equal. */
function labelsOf(names: readonly string[]): Label[] {
  const taken = new Set<string>();
  return names.map((name, index) => {
    const plain = name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "_")
      .replaceAll(/^_+|_+$/g, "")
      .slice(0, 80);
    const id = plain === "" || taken.has(plain) ? `${plain || "class"}_${index}` : plain;
    taken.add(id);
    return { class_id: id, class_name: name };
  });
}

function standInLabels(classes: number): Label[] {
  return Array.from({ length: classes }, (_, index) => ({
    class_id: `class_${index}`,
    class_name: `Class ${index}`,
  }));
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}
