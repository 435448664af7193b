import type { Graph } from "./graph.ts";
import type { Manifest } from "./manifest.ts";
import { fixedBatch, type TensorInfo } from "./signature.ts";

/** What a graph leaves unsaid. A model with it cannot be drafted: no default would be anything but a guess. */
export class DraftError extends Error {
  override readonly name = "DraftError";
}

export interface Draft {
  manifest: Manifest;
  /** Number of labels that the graph wants. */
  classes: number;
  /** What the graph says. */
  known: Finding[];
  /** What it cannot say, filled with a value that somebody must check. */
  unknown: Finding[];
}

export interface Finding {
  /** Dotted path in the manifest. */
  field: string;
  value: string;
  /** For what is unknown: what to look up. */
  note?: string;
}

/** Already known, from the command line and from hashing. */
export type DraftFacts = Pick<Manifest, "name" | "version" | "file" | "sha256" | "external_data"> & {
  /** Number of labels that were handed in, or null. */
  labels: number | null;
};

const DTYPES = ["float32", "float16", "uint8"] as const;
const ASSUMED_SIDE = 224;

/**
 * A manifest with everything that the graph says, and stated stand-ins for what it does not.
 * @throws DraftError where the graph is no image classifier, or not one that can be described
 */
export function draftManifest(graph: Graph, facts: DraftFacts): Draft {
  const known: Finding[] = [];
  const unknown: Finding[] = [];
  const say = (field: string, value: unknown) => known.push({ field, value: JSON.stringify(value) });
  const assume = (field: string, value: unknown, note: string) =>
    unknown.push({ field, value: JSON.stringify(value), note });

  const image = imageInput(graph);
  say("input.name", image.name);
  say("input.dtype", image.dtype);
  const layout = layoutOf(image);
  if (layout.known) say("input.layout", layout.value);
  else assume("input.layout", layout.value, "the shape does not tell channels from sides");
  const [heightAt, widthAt] = layout.value === "NCHW" ? [2, 3] : [1, 2];
  const side = (axis: number, field: string) => {
    const size = image.dims[axis];
    if (typeof size === "number" && size > 0) say(field, size);
    else assume(field, ASSUMED_SIDE, "the graph takes any: the size that it was trained with");
    return typeof size === "number" && size > 0 ? size : ASSUMED_SIDE;
  };
  const height = side(heightAt!, "input.height");
  const width = side(widthAt!, "input.width");

  const logits = logitsOutput(graph);
  if (logits.sure) say("outputs.logits.name", logits.output.name);
  else assume("outputs.logits.name", logits.output.name, `the graph has ${graph.outputs.length} outputs`);
  const softmax = graph.producers[logits.output.name] === "Softmax";
  say("outputs.logits.softmax", softmax);
  const classes = classesOf(logits.output) ?? facts.labels;
  if (classes === null) {
    throw new DraftError(
      `The output ${logits.output.name} does not say how many classes it has: hand in labels.`,
    );
  }
  if (facts.labels !== null && facts.labels !== classes) {
    throw new DraftError(`The graph has ${classes} classes, the labels are ${facts.labels}.`);
  }
  say("classes", classes);
  if (facts.labels === null)
    assume("labels", "class_0, class_1, ...", "what each class means, in the order of the logits");

  const fixed = fixedBatch(image);
  if (fixed === null) assume("batch.max_size", 1, "the graph takes any: larger ones seldom pay on a CPU");
  else say("batch.max_size", fixed);

  const identity = image.dtype === "uint8";
  const normalize: Manifest["normalize"] = { scale: identity ? 1 : 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] };
  if (identity) say("normalize", normalize);
  else assume("normalize", normalize, "mean and deviation that it was trained with, e.g. ImageNet's");
  const resize: Manifest["resize"] = { fit: "cover", crop: 1, interpolation: "bilinear" };
  const calibration: Manifest["calibration"] = { temperature: 1, high: 0.9, medium: 0.6 };
  assume("input.color", "RGB", "the order that it was trained with: BGR where OpenCV read the pictures");
  assume("resize", resize, "how its training fitted pictures, and with which interpolation");
  assume(
    "calibration",
    calibration,
    "measure on validation pictures: HIGH right 99%, MEDIUM 90% of the time",
  );
  assume("license", "unknown", "under which licence the weights may be used");
  assume("accuracy", null, "measured on which pictures; left out");

  const manifest: Manifest = {
    schema: 1,
    name: facts.name,
    version: facts.version,
    task: "classification",
    file: facts.file,
    sha256: facts.sha256,
    ...(facts.external_data ? { external_data: facts.external_data } : {}),
    input: { name: image.name, dtype: image.dtype, layout: layout.value, width, height, color: "RGB" },
    resize,
    normalize,
    outputs: { logits: { name: logits.output.name, softmax } },
    labels: "labels.json",
    calibration,
    batch: { max_size: fixed ?? 1, max_wait_ms: 0 },
    license: "unknown",
  };
  return { manifest, classes, known, unknown };
}

function imageInput({ inputs }: Graph): TensorInfo & { dtype: (typeof DTYPES)[number] } {
  const [image] = inputs;
  if (!image || inputs.length > 1) {
    throw new DraftError(`The graph has ${inputs.length} inputs; an image classifier has one.`);
  }
  const dtype = DTYPES.find((known) => known === image.dtype);
  if (!dtype) {
    throw new DraftError(`The input ${image.name} is ${image.dtype}; it can be ${DTYPES.join(", ")}.`);
  }
  if (image.dims.length !== 4) {
    throw new DraftError(
      `The input ${image.name} has ${image.dims.length} dimensions; an image batch has four.`,
    );
  }
  return { ...image, dtype };
}

function layoutOf({ name, dims }: TensorInfo): { value: "NCHW" | "NHWC"; known: boolean } {
  const first = dims[1] === 3;
  const last = dims[3] === 3;
  const open = (size: unknown) => typeof size !== "number";
  if (first && !last) return { value: "NCHW", known: true };
  if (last && !first) return { value: "NHWC", known: true };
  if (!first && !open(dims[1]) && !open(dims[3])) {
    throw new DraftError(
      `The input ${name} has no dimension of 3 channels; only colour pictures can be served.`,
    );
  }
  return open(dims[3]) && !open(dims[1]) ? { value: "NHWC", known: false } : { value: "NCHW", known: false };
}

function logitsOutput({ outputs }: Graph): { output: TensorInfo; sure: boolean } {
  const fitting = outputs.filter((output) => {
    const isFloat = output.dtype === "float32" || output.dtype === "float16";
    return isFloat && (output.dims.length === 0 || output.dims.length === 2 || classesOf(output) !== null);
  });
  const [output] = fitting;
  if (!output) {
    const shapes = outputs.map(({ name, dtype, dims }) => `${name} ${dtype} [${dims.join(", ")}]`).join("; ");
    throw new DraftError(`No output is one value for each class: ${shapes}.`);
  }
  return { output, sure: fitting.length === 1 };
}

/** [N, C], [N, C, 1, 1] or [N, 1, 1, C] */
function classesOf({ dims }: TensorInfo): number | null {
  const size = (axis: number) => (typeof dims[axis] === "number" ? dims[axis] : null);
  if (dims.length === 2) return size(1);
  if (dims.length === 4 && dims[2] === 1 && dims[3] === 1) return size(1);
  return dims.length === 4 && dims[1] === 1 && dims[2] === 1 ? size(3) : null;
}
