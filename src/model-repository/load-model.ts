import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readGraph } from "./graph.ts";
import { type Label, type Manifest, type Model, parseLabels, parseManifest } from "./manifest.ts";
import { fileProblems } from "./model-files.ts";
import type { ModelFolder } from "./model-folders.ts";
import { ManifestError, type Problem } from "./problem.ts";

/**
 * Reads one version of a model and checks everything that can be checked without running it: manifest, folder
 * names, labels, digests, and that the graph reads no file that the manifest does not list.
 * @throws ManifestError, GraphError
 */
export async function loadModel(folder: ModelFolder): Promise<Model> {
  const manifest = parseManifest(await readJson(folder.path, "manifest.json"));
  const problems: Problem[] = [];
  if (manifest.name !== folder.name) {
    problems.push({
      field: "name",
      expected: `${folder.name}, as its folder is called`,
      received: manifest.name,
    });
  }
  if (manifest.version !== folder.version) {
    const expected = `${folder.version}, as its folder is called`;
    problems.push({ field: "version", expected, received: manifest.version });
  }
  problems.push(...(await fileProblems(folder.path, manifest)));
  const path = join(folder.path, manifest.file);
  // Only a file that is what the manifest says is worth a look inside.
  if (problems.length === 0) problems.push(...externalDataProblems(manifest, path));
  if (problems.length > 0) throw new ManifestError("manifest.json", problems);

  const labels = parseLabels(await readJson(folder.path, manifest.labels));
  return { manifest, labels, path, key: folder.key, digest: modelDigest(manifest, labels) };
}

/** The runtime would follow whatever path a graph names: so it may name only what is listed and was hashed. */
function externalDataProblems(manifest: Manifest, path: string): Problem[] {
  const listed = manifest.external_data?.map(({ file }) => file) ?? [];
  // Not Bun.mmap: it wants to write, and a server may not write to its models.
  const read = readGraph(readFileSync(path)).externalFiles;
  const unlisted = read.filter((file) => !listed.includes(file));
  return unlisted.map((file) => ({
    field: "external_data",
    expected: `every file that the graph reads to be listed (listed: ${listed.join(", ") || "none"})`,
    received: JSON.stringify(file),
  }));
}

async function readJson(folder: string, file: string): Promise<unknown> {
  const refuse = (received: string): never => {
    throw new ManifestError(file, [
      { field: "(the whole file)", expected: "a readable JSON file", received },
    ]);
  };
  let text: string;
  try {
    text = await Bun.file(join(folder, file)).text();
  } catch (thrown) {
    return refuse((thrown as NodeJS.ErrnoException).code ?? "an unreadable file");
  }
  try {
    return JSON.parse(text);
  } catch (thrown) {
    return refuse(thrown instanceof Error ? thrown.message : "something else");
  }
}

/** SHA-256, 64 hexadecimal characters: changes with the network, its manifest or its labels, and with nothing else. */
export function modelDigest(manifest: Manifest, labels: readonly Label[]): string {
  return createHash("sha256")
    .update(canonicalJson([manifest.sha256, manifest, labels]))
    .digest("hex");
}

/** JSON with the keys of every object in order, so that equal values are equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
