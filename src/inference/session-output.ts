import type { Manifest } from "../model-repository/manifest.ts";
import { ManifestError, type Problem } from "../model-repository/problem.ts";
import { fits, logitsShapes, shape } from "../model-repository/signature.ts";
import type { RawRow } from "./messages.ts";

/** One output of a graph as the runtime hands it over. */
export interface OutputTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** The rows of a graph's answer, each copied out when it is asked for. */
export interface OutputRows {
  /** [classes] */
  logits(row: number): Float32Array;
  unknownScore(row: number): number | null;
  /** Of the row's first class; null where the output was not fetched. */
  activationMap(row: number): RawRow["activationMap"];
}

/**
 * Reads a graph's outputs by the roles that the manifest gives them.
 * @param results by output name, the activation map perhaps left out
 * @param size rows that the graph was given
 * @throws ManifestError where an output has another shape or element type than its role wants
 */
export function rowsOf(
  results: Readonly<Record<string, OutputTensor>>,
  outputs: Manifest["outputs"],
  size: number,
  classes: number,
): OutputRows {
  const problems: Problem[] = [];
  const read = (role: string, name: string | undefined, shapes: (number | null)[][]) => {
    const output = name === undefined ? undefined : results[name];
    if (!output) return null;
    const wanted = shapes.map(([, ...rest]) => [size, ...rest]);
    const values = floats(output);
    // An empty list of dims is a scalar here, not an unknown shape.
    const fitting = output.dims.length > 0 && wanted.some((dims) => fits(output.dims, dims));
    if (values && fitting) return { values, dims: output.dims };
    problems.push({
      field: `outputs.${role}.name`,
      expected: `an output of float32 or float16 ${wanted.map(shape).join(" or ")}`,
      received: `${name} of ${output.type} ${shape(output.dims)}`,
    });
    return null;
  };
  const logits = read("logits", outputs.logits.name, logitsShapes(classes));
  const scores = read("unknown_score", outputs.unknown_score?.name, [[null], [null, 1]]);
  const maps = read("activation_map", outputs.activation_map?.name, [[null, classes, null, null]]);
  if (problems.length > 0 || !logits) throw new ManifestError("manifest.json", problems);

  const logitsOf = (row: number) =>
    Float32Array.from(logits.values.subarray(row * classes, (row + 1) * classes));
  return {
    logits: logitsOf,
    unknownScore: (row) => scores?.values[row] ?? null,
    activationMap(row) {
      if (!maps) return null;
      const [rows, columns] = [maps.dims[2]!, maps.dims[3]!];
      const from = (row * classes + indexOfLargest(logitsOf(row))) * rows * columns;
      return { data: Float32Array.from(maps.values.subarray(from, from + rows * columns)), rows, columns };
    },
  };
}

function floats({ type, data }: OutputTensor): Float32Array | Float16Array | null {
  if (type === "float32" && data instanceof Float32Array) return data;
  if (type !== "float16") return null;
  if (data instanceof Float16Array) return data;
  // Where the runtime does not know Float16Array it hands over the bits.
  return data instanceof Uint16Array
    ? new Float16Array(data.buffer as ArrayBuffer, data.byteOffset, data.length)
    : null;
}

function indexOfLargest(values: Float32Array): number {
  let largest = 0;
  for (let index = 1; index < values.length; index++) if (values[index]! > values[largest]!) largest = index;
  return largest;
}
