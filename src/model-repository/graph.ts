import { type Field, LENGTH_DELIMITED, ProtobufReader, VARINT } from "./protobuf-reader.ts";
import type { Signature, TensorInfo } from "./signature.ts";

/** What an ONNX file says of itself, read without its weights. */
export interface Graph extends Signature {
  irVersion: number;
  /** Version by operator domain; the standard one is "ai.onnx". */
  opsets: Record<string, number>;
  /** Nodes, those of nested graphs and functions included. */
  nodeCount: number;
  /** Files that hold weights, as the graph names them, each once. */
  externalFiles: string[];
  /** The operator that makes each output, looked at through those that only reshape or convert. */
  producers: Record<string, string>;
}

/** The file is no ONNX model, or is cut short or damaged. */
export class GraphError extends Error {
  override readonly name = "GraphError";
}

const DTYPES: Record<number, string> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  4: "uint16",
  5: "int16",
  6: "int32",
  7: "int64",
  8: "string",
  9: "bool",
  10: "float16",
  11: "float64",
  12: "uint32",
  13: "uint64",
  16: "bfloat16",
};

const STANDARD_DOMAIN = "ai.onnx";
const EXTERNAL = 1;
const TRANSPARENT = new Set(["Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"]);

/**
 * Skims the protobuf of an ONNX file, field numbers as in
 * https://github.com/onnx/onnx/blob/v1.23.0/onnx/onnx.proto. Weights are stepped over, so a memory-mapped file of
 * any size costs a few pages.
 * @throws GraphError
 */
export function readGraph(bytes: Uint8Array): Graph {
  try {
    return new Skimmer(bytes).model();
  } catch (thrown) {
    if (thrown instanceof GraphError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new GraphError(`not an ONNX file, or a damaged one (${why})`);
  }
}

interface Node {
  op: string;
  input: string | undefined;
}

class Skimmer {
  readonly #reader: ProtobufReader;
  readonly #externalFiles = new Set<string>();
  #nodeCount = 0;

  constructor(bytes: Uint8Array) {
    this.#reader = new ProtobufReader(bytes);
  }

  model(): Graph {
    let irVersion: number | undefined;
    const opsets: Record<string, number> = {};
    let graph: ReturnType<Skimmer["graph"]> | undefined;
    this.#reader.whole((field, wireType) => {
      if (field === 1 && wireType === VARINT) irVersion = this.#reader.integer();
      else if (field === 7 && wireType === LENGTH_DELIMITED) graph = this.graph();
      else if (field === 8 && wireType === LENGTH_DELIMITED) this.#opset(opsets);
      else if (field === 25 && wireType === LENGTH_DELIMITED) this.#function();
      else return false;
      return true;
    });
    if (irVersion === undefined || !graph || graph.outputs.length === 0) {
      throw new GraphError("not an ONNX file: it has no graph");
    }
    const { inputs, outputs, producers } = graph;
    return {
      irVersion,
      opsets,
      inputs,
      outputs,
      nodeCount: this.#nodeCount,
      externalFiles: [...this.#externalFiles].sort(),
      producers: Object.fromEntries(
        outputs.flatMap(({ name }) => {
          const op = producerOf(name, producers);
          return op ? [[name, op]] : [];
        }),
      ),
    };
  }

  /** GraphProto */
  graph(): { inputs: TensorInfo[]; outputs: TensorInfo[]; producers: Map<string, Node> } {
    const inputs: TensorInfo[] = [];
    const outputs: TensorInfo[] = [];
    const initializers = new Set<string>();
    const producers = new Map<string, Node>();
    this.#reader.message((field, wireType) => {
      if (wireType !== LENGTH_DELIMITED) return false;
      if (field === 1) this.#node(producers);
      else if (field === 5) initializers.add(this.#tensor());
      else if (field === 11) inputs.push(this.#valueInfo());
      else if (field === 12) outputs.push(this.#valueInfo());
      else if (field === 15) this.#sparseTensor();
      else return false;
      return true;
    });
    // Up to IR version 3 initialisers are listed among the inputs, too.
    return { inputs: inputs.filter(({ name }) => !initializers.has(name)), outputs, producers };
  }

  /** NodeProto */
  #node(producers: Map<string, Node>): void {
    this.#nodeCount++;
    let input: string | undefined;
    const outputs: string[] = [];
    let op = "";
    this.#reader.message((field, wireType) => {
      if (wireType !== LENGTH_DELIMITED) return false;
      if (field === 1 && input === undefined) input = this.#reader.string();
      else if (field === 2) outputs.push(this.#reader.string());
      else if (field === 4) op = this.#reader.string();
      else if (field === 5) this.#attribute();
      else return false;
      return true;
    });
    for (const output of outputs) producers.set(output, { op, input });
  }

  /** AttributeProto: only what may hold tensors or graphs. */
  #attribute(): void {
    this.#reader.message((field, wireType) => {
      if (wireType !== LENGTH_DELIMITED) return false;
      if (field === 5 || field === 10) this.#tensor();
      else if (field === 6 || field === 11) this.graph();
      else if (field === 22 || field === 23) this.#sparseTensor();
      else return false;
      return true;
    });
  }

  /** FunctionProto */
  #function(): void {
    this.#reader.message((field, wireType) => {
      if (wireType !== LENGTH_DELIMITED) return false;
      if (field === 7) this.#node(new Map());
      else if (field === 11) this.#attribute();
      else return false;
      return true;
    });
  }

  /** TensorProto, its values stepped over; gives its name. */
  #tensor(): string {
    let name = "";
    let location: string | undefined;
    let external = false;
    this.#reader.message((field, wireType) => {
      if (field === 14 && wireType === VARINT) external = this.#reader.integer() === EXTERNAL;
      else if (wireType !== LENGTH_DELIMITED) return false;
      else if (field === 8) name = this.#reader.string();
      else if (field === 13) {
        const [key, value] = this.#entry();
        if (key === "location") location = value;
      } else return false;
      return true;
    });
    if (external) {
      if (!location)
        throw new GraphError(`damaged: the external tensor ${JSON.stringify(name)} names no file`);
      this.#externalFiles.add(location);
    }
    return name;
  }

  /** SparseTensorProto */
  #sparseTensor(): void {
    this.#reader.message((field, wireType) => {
      if (wireType !== LENGTH_DELIMITED || (field !== 1 && field !== 2)) return false;
      this.#tensor();
      return true;
    });
  }

  /** ValueInfoProto, TypeProto and TypeProto.Tensor in one. */
  #valueInfo(): TensorInfo {
    const info: TensorInfo & { dims: (number | string | null)[] } = {
      name: "",
      dtype: "not a tensor",
      dims: [],
    };
    const tensorType: Field = (field, wireType) => {
      if (field === 1 && wireType === VARINT) {
        const code = this.#reader.integer();
        info.dtype = DTYPES[code] ?? `type ${code}`;
      } else if (field === 2 && wireType === LENGTH_DELIMITED) {
        this.#reader.message((shapeField, shapeWire) => {
          if (shapeField !== 1 || shapeWire !== LENGTH_DELIMITED) return false;
          info.dims.push(this.#dimension());
          return true;
        });
      } else return false;
      return true;
    };
    this.#reader.message((field, wireType) => {
      if (wireType !== LENGTH_DELIMITED) return false;
      if (field === 1) info.name = this.#reader.string();
      else if (field === 2) {
        this.#reader.message((typeField, typeWire) => {
          if (typeField !== 1 || typeWire !== LENGTH_DELIMITED) return false;
          this.#reader.message(tensorType);
          return true;
        });
      } else return false;
      return true;
    });
    return info;
  }

  /** TensorShapeProto.Dimension */
  #dimension(): number | string | null {
    let size: number | string | null = null;
    this.#reader.message((field, wireType) => {
      if (field === 1 && wireType === VARINT) size = this.#reader.integer();
      else if (field === 2 && wireType === LENGTH_DELIMITED) size = this.#reader.string() || null;
      else return false;
      return true;
    });
    return size;
  }

  /** OperatorSetIdProto */
  #opset(opsets: Record<string, number>): void {
    let domain = "";
    let version = 0;
    this.#reader.message((field, wireType) => {
      if (field === 1 && wireType === LENGTH_DELIMITED) domain = this.#reader.string();
      else if (field === 2 && wireType === VARINT) version = this.#reader.integer();
      else return false;
      return true;
    });
    opsets[domain || STANDARD_DOMAIN] = version;
  }

  /** StringStringEntryProto */
  #entry(): [key: string, value: string] {
    const entry: [string, string] = ["", ""];
    this.#reader.message((field, wireType) => {
      if (wireType !== LENGTH_DELIMITED || (field !== 1 && field !== 2)) return false;
      entry[field - 1] = this.#reader.string();
      return true;
    });
    return entry;
  }
}

function producerOf(output: string, producers: ReadonlyMap<string, Node>): string | null {
  let name: string | undefined = output;
  // Bounded: a damaged graph may go round in circles.
  for (let step = 0; step <= producers.size && name !== undefined; step++) {
    const node = producers.get(name);
    if (!node) return null;
    if (!TRANSPARENT.has(node.op)) return node.op;
    name = node.input;
  }
  return null;
}
