import type { Manifest } from "./manifest.ts";
import type { Problem } from "./problem.ts";

/** An input or output of a graph. */
export interface TensorInfo {
  name: string;
  /** ONNX Runtime's word for the element type, e.g. "float32", "float16", "uint8". */
  dtype: string;
  /** Number: fixed; text: a named size; null: unknown. An empty list: the whole shape is unknown. */
  dims: readonly (number | string | null)[];
}

export interface Signature {
  inputs: readonly TensorInfo[];
  outputs: readonly TensorInfo[];
}

/** The batch size that a graph's input insists on, or null where any will do. */
export function fixedBatch(input: TensorInfo): number | null {
  const batch = input.dims[0];
  return typeof batch === "number" ? batch : null;
}

/**
 * Where a manifest and the graph that it describes disagree, as far as the graph says its shapes: what it leaves
 * open is seen at the first run.
 * @param classes number of labels
 */
export function signatureProblems(manifest: Manifest, classes: number, signature: Signature): Problem[] {
  return [...inputProblems(manifest, signature), ...outputProblems(manifest, classes, signature)];
}

function inputProblems({ input, batch }: Manifest, { inputs }: Signature): Problem[] {
  const found = inputs.find(({ name }) => name === input.name);
  if (!found) return [{ field: "input.name", expected: oneOf(inputs), received: input.name }];
  const problems: Problem[] = [];
  if (inputs.length > 1) {
    problems.push({ field: "input", expected: "a graph with one input", received: oneOf(inputs) });
  }
  if (found.dtype !== input.dtype) {
    problems.push({ field: "input.dtype", expected: found.dtype, received: input.dtype });
  }
  const { width, height } = input;
  const dims = input.layout === "NCHW" ? [null, 3, height, width] : [null, height, width, 3];
  if (!fits(found.dims, dims)) {
    problems.push({
      field: "input.layout, input.width, input.height",
      expected: shape(found.dims),
      received: `${input.layout} ${shape(dims)}`,
    });
  }
  const fixed = fixedBatch(found);
  if (fixed !== null && fixed !== batch.max_size) {
    problems.push({
      field: "batch.max_size",
      expected: `${fixed}, which the graph's input insists on`,
      received: String(batch.max_size),
    });
  }
  return problems;
}

function outputProblems({ outputs }: Manifest, classes: number, signature: Signature): Problem[] {
  const problems: Problem[] = [];
  const check = (role: string, name: string | undefined, shapes: (number | null)[][]) => {
    if (name === undefined) return;
    const found = signature.outputs.find((output) => output.name === name);
    const field = `outputs.${role}.name`;
    if (!found) {
      problems.push({ field, expected: oneOf(signature.outputs), received: name });
      return;
    }
    if (found.dtype !== "float32" && found.dtype !== "float16") {
      problems.push({
        field,
        expected: "an output of float32 or float16",
        received: `${name} of ${found.dtype}`,
      });
    }
    if (!shapes.some((dims) => fits(found.dims, dims))) {
      const expected = `an output of ${shapes.map(shape).join(" or ")}`;
      problems.push({ field, expected, received: `${name} ${shape(found.dims)}` });
    }
  };
  check("logits", outputs.logits.name, logitsShapes(classes));
  check("unknown_score", outputs.unknown_score?.name, [[null], [null, 1]]);
  check("activation_map", outputs.activation_map?.name, [[null, classes, null, null]]);
  return problems;
}

/** The shapes that logits may have: null is the batch. */
export function logitsShapes(classes: number): (number | null)[][] {
  return [
    [null, classes],
    [null, classes, 1, 1],
    [null, 1, 1, classes],
  ];
}

/** Whether the known sizes of a graph's shape agree with the wanted ones; null wants nothing. */
export function fits(dims: TensorInfo["dims"], wanted: readonly (number | null)[]): boolean {
  if (dims.length === 0) return true;
  if (dims.length !== wanted.length) return false;
  return wanted.every((size, axis) => size === null || typeof dims[axis] !== "number" || dims[axis] === size);
}

/** "[N, 3, 224, 224]", an unknown size as "?". */
export function shape(dims: TensorInfo["dims"]): string {
  return `[${dims.map((size, axis) => size ?? (axis === 0 ? "N" : "?")).join(", ")}]`;
}

function oneOf(tensors: readonly TensorInfo[]): string {
  return `one of ${tensors.map(({ name }) => name).join(", ")}`;
}
