import { Writer } from "protobufjs/minimal";

/** A graph as an ONNX file holds it: the few fields of https://github.com/onnx/onnx/blob/v1.23.0/onnx/onnx.proto
 * that a float32 image classifier needs. */
export interface OnnxGraph {
  name: string;
  /** In an order in which each comes after those that it reads. */
  nodes: readonly OnnxNode[];
  initializers: readonly OnnxTensor[];
  /** A name as a dimension is one that is free. */
  inputs: readonly OnnxValue[];
  outputs: readonly OnnxValue[];
}

export interface OnnxNode {
  op: string;
  inputs: readonly string[];
  output: string;
  /** Whole numbers are INT, others must be said to be `float`; lists are INTS. */
  attributes?: Readonly<Record<string, number | readonly number[] | { float: number }>>;
}

export interface OnnxTensor {
  name: string;
  dims: readonly number[];
  data: Float32Array;
}

export interface OnnxValue {
  name: string;
  dims: readonly (number | string)[];
}

const IR_VERSION = 8;
const OPSET = 17;
const FLOAT32 = 1;
/** AttributeProto.AttributeType */
const [FLOAT, INT, INTS] = [1, 2, 7];

/** Where the number of a field stands in its tag, https://protobuf.dev/programming-guides/encoding/. */
const varint = (field: number) => (field << 3) | 0;
const message = (field: number) => (field << 3) | 2;
const float = (field: number) => (field << 3) | 5;

/** ModelProto: IR version 8, opset 17. Equal graphs are equal bytes. */
export function onnxFile(graph: OnnxGraph): Uint8Array {
  const writer = Writer.create();
  writer.uint32(varint(1)).int64(IR_VERSION);
  writer.uint32(message(2)).string("pinhole-bench");
  writer.uint32(message(7)).fork();
  writeGraph(writer, graph);
  writer.ldelim();
  writer.uint32(message(8)).fork().uint32(varint(2)).int64(OPSET).ldelim();
  return writer.finish();
}

/** GraphProto */
function writeGraph(writer: Writer, graph: OnnxGraph): void {
  for (const node of graph.nodes) writeNode(writer.uint32(message(1)).fork(), node).ldelim();
  writer.uint32(message(2)).string(graph.name);
  for (const tensor of graph.initializers) writeTensor(writer.uint32(message(5)).fork(), tensor).ldelim();
  for (const value of graph.inputs) writeValue(writer.uint32(message(11)).fork(), value).ldelim();
  for (const value of graph.outputs) writeValue(writer.uint32(message(12)).fork(), value).ldelim();
}

/** NodeProto */
function writeNode(writer: Writer, { op, inputs, output, attributes = {} }: OnnxNode): Writer {
  for (const input of inputs) writer.uint32(message(1)).string(input);
  writer.uint32(message(2)).string(output);
  writer.uint32(message(3)).string(output);
  writer.uint32(message(4)).string(op);
  for (const [name, value] of Object.entries(attributes)) {
    writer.uint32(message(5)).fork().uint32(message(1)).string(name);
    if (typeof value === "number") writer.uint32(varint(3)).int64(value).uint32(varint(20)).int32(INT);
    else if ("float" in value) writer.uint32(float(2)).float(value.float).uint32(varint(20)).int32(FLOAT);
    else {
      for (const item of value) writer.uint32(varint(8)).int64(item);
      writer.uint32(varint(20)).int32(INTS);
    }
    writer.ldelim();
  }
  return writer;
}

/** TensorProto, its values as `raw_data`, little-endian as every machine that we run on is. */
function writeTensor(writer: Writer, { name, dims, data }: OnnxTensor): Writer {
  writer.uint32(message(1)).fork();
  for (const dim of dims) writer.int64(dim);
  writer.ldelim();
  writer.uint32(varint(2)).int32(FLOAT32);
  writer.uint32(message(8)).string(name);
  return writer.uint32(message(9)).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/** ValueInfoProto of a float32 tensor */
function writeValue(writer: Writer, { name, dims }: OnnxValue): Writer {
  writer.uint32(message(1)).string(name);
  writer.uint32(message(2)).fork().uint32(message(1)).fork();
  writer.uint32(varint(1)).int32(FLOAT32);
  writer.uint32(message(2)).fork();
  for (const dim of dims) {
    writer.uint32(message(1)).fork();
    if (typeof dim === "number") writer.uint32(varint(1)).int64(dim);
    else writer.uint32(message(2)).string(dim);
    writer.ldelim();
  }
  return writer.ldelim().ldelim().ldelim();
}
