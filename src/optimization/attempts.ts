import { rename, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { ImageTensor } from "../inference/image.ts";
import type { RawRow } from "../inference/messages.ts";
import { modelDigest } from "../model-repository/load-model.ts";
import type { Model } from "../model-repository/manifest.ts";
import { fileSha256 } from "../model-repository/model-files.ts";
import { answersOf, type Photographs, pairsOf } from "./answers.ts";
import { compare } from "./comparison.ts";
import type { Course } from "./course.ts";
import { fitCalibration, withCalibration } from "./fit.ts";
import { type GraphSteps, rolesOf } from "./graph-steps.ts";
import type { Attempt } from "./report.ts";
import type { Tensors } from "./tensors.ts";
import { timeVersions } from "./timing.ts";

/** What attempts are made with and judged by. */
export interface Workshop {
  course: Course;
  graph: GraphSteps;
  source: Model;
  photographs: Photographs;
  /** Files of the search, and the source's answers to them. */
  search: readonly string[];
  searchAnswers: ReadonlyMap<string, RawRow>;
  tensors: { calibration: Tensors; search: Tensors };
  /** What is timed with. */
  images: readonly ImageTensor[];
  seconds: number;
  /** Photographs at once that are timed: one, or as many as the graph insists on. */
  rows: number;
}

/** A network that was made, and what it is worth on the photographs of the search. */
export interface MadeAttempt extends Attempt {
  /** Absolute path of its ONNX file. */
  path: string;
}

/**
 * Makes a network, unless it is there from an earlier run, and compares it with the source.
 * @param key of its files
 * @param make writes the ONNX file
 */
export async function attempt(
  shop: Workshop,
  about: { key: string; name: string; floatNodes: string[] },
  make: (path: string, tell: (done: number, of: number, what?: string) => void) => Promise<unknown>,
): Promise<MadeAttempt> {
  const { course, source, photographs, search, searchAnswers } = shop;
  return course.step(about.key, about.name, async (tell) => {
    const path = course.path(`${about.key}.onnx`);
    await make(`${path}.new`, tell);
    await rename(`${path}.new`, path);
    const made = await madeModel(source, source.manifest.version, path);
    const answers = await answersOf(made, search, photographs, {
      tell: (done, of) => tell(done, of, "photographs of the search"),
      signal: course.signal,
    });
    const pairs = pairsOf(search, searchAnswers, answers).map(({ pair }) => pair);
    const calibration = fitCalibration(source, pairs);
    const { agreement, difference } = compare(source, withCalibration(made, calibration), pairs, null);
    return {
      name: about.name,
      agreement: agreement.share,
      difference,
      speedup: null,
      floatNodes: about.floatNodes,
      path,
    };
  });
}

/**
 * The same attempt with the kernels that are fastest on this processor, and how many times as fast as its source it
 * is, one photograph at a time on one core.
 */
export async function tuned(shop: Workshop, key: string, made: MadeAttempt): Promise<MadeAttempt> {
  const { course, graph, source, images, seconds, tensors } = shop;
  return course.step(`${key}-tuned`, `${made.name}: choosing kernels, timing`, async (tell) => {
    const output = course.path(`${key}-tuned.onnx`);
    const roles = rolesOf(source.manifest);
    await graph("tune", { model: made.path, output, tensors: tensors.search, ...roles }, tell);
    const model = await madeModel(source, source.manifest.version, output);
    const [single] = await timeVersions(source, model, images, { batches: [shop.rows], seconds });
    return { ...made, path: output, speedup: single!.speedup };
  });
}

/** A network made of a source, as the server sees it: with the source's labels and manifest. */
export async function madeModel(source: Model, version: string, path: string): Promise<Model> {
  const { external_data: _, accuracy: __, ...kept } = source.manifest;
  const manifest = { ...kept, version, file: basename(path), sha256: await fileSha256(path) };
  const key = `${manifest.name}/${version}#made`;
  return { manifest, labels: source.labels, path, key, digest: modelDigest(manifest, source.labels) };
}

/**
 * The attempt whose probabilities are nearest to the source's: on a hundred photographs one answer more or less is
 * chance, which the mean over all probabilities is far less.
 */
export function nearest(attempts: readonly MadeAttempt[]): MadeAttempt {
  return attempts.reduce((best, each) => (each.difference < best.difference ? each : best));
}

/** Bytes of a model's files, external data included. */
export async function bytesOf(model: Model): Promise<number> {
  const folder = model.path.slice(0, -basename(model.path).length);
  const files = [model.manifest.file, ...(model.manifest.external_data ?? []).map(({ file }) => file)];
  const sizes = await Promise.all(files.map(async (file) => (await stat(`${folder}${file}`)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
