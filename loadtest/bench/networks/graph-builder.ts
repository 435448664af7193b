import type { OnnxGraph, OnnxNode, OnnxTensor } from "./onnx-file.ts";
import type { Weights } from "./weights.ts";

/** What one node hands to the next: float32 [batch, channels, height, width], or [batch, channels]. */
export interface Value {
  name: string;
  channels: number;
}

export interface ConvOptions {
  channels: number;
  /** Side in pixels, odd; the picture is padded to keep its size. Default 1. */
  kernel?: number;
  stride?: number;
  /** Default 1; as many as there are channels makes it depthwise. */
  groups?: number;
  /**
   * Standard deviation of what comes out over that of what goes in, for inputs around zero: what keeps a network
   * of random weights from exploding or fading away.
   */
  gain: number;
  /** Whether the convolution stands for one and the batch norm after it. Default true. */
  normed?: boolean;
}

/** Each kind with what makes up for the spread that it takes away (He et al., https://arxiv.org/abs/1502.01852). */
export const ACTIVATIONS = {
  none: { gain: 1 },
  Relu: { gain: Math.SQRT2 },
  Relu6: { gain: Math.SQRT2 },
  HardSwish: { gain: 1.5 },
} as const;
export type Activation = keyof typeof ACTIVATIONS;

const BIAS_DEVIATION = 0.05;

/** Builds the graph of a network, layer by layer, as torchvision's own export has it once batch norms are folded. */
export class GraphBuilder {
  readonly #weights: Weights;
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxTensor[] = [];
  readonly #constants = new Map<string, OnnxTensor>();
  #normedChannels = 0;

  constructor(weights: Weights) {
    this.#weights = weights;
  }

  /**
   * Parameters of the network before its batch norms were folded: each had a weight and a bias for a channel,
   * of which the convolution's bias is left.
   */
  get parameters(): number {
    return this.#initializers.reduce((sum, { data }) => sum + data.length, this.#normedChannels);
  }

  conv(input: Value, options: ConvOptions): Value {
    const { channels, kernel = 1, stride = 1, groups = 1, gain, normed = true } = options;
    const dims = [channels, input.channels / groups, kernel, kernel];
    const fanIn = dims[1]! * kernel * kernel;
    const padding = (kernel - 1) / 2;
    if (normed) this.#normedChannels += channels;
    return this.#layer("Conv", input, channels, dims, gain / Math.sqrt(fanIn), {
      dilations: [1, 1],
      group: groups,
      kernel_shape: [kernel, kernel],
      pads: [padding, padding, padding, padding],
      strides: [stride, stride],
    });
  }

  linear(input: Value, channels: number, gain: number): Value {
    const dims = [channels, input.channels];
    return this.#layer("Gemm", input, channels, dims, gain / Math.sqrt(input.channels), { transB: 1 });
  }

  activate(input: Value, kind: Activation): Value {
    if (kind === "none") return input;
    if (kind !== "Relu6") return this.node(kind, [input]);
    return this.node("Clip", [input, this.#constant("zero", 0), this.#constant("six", 6)]);
  }

  convActivated(input: Value, options: Omit<ConvOptions, "gain">, kind: Activation): Value {
    return this.activate(this.conv(input, { ...options, gain: ACTIVATIONS[kind].gain }), kind);
  }

  /** [batch, channels, height, width] -> [batch, channels] */
  pooled(input: Value): Value {
    return this.node("Flatten", [this.node("GlobalAveragePool", [input])], { axis: 1 });
  }

  /** @returns as many channels as the first input has */
  node(op: string, inputs: readonly Value[], attributes: OnnxNode["attributes"] = {}): Value {
    const output = `${op.toLowerCase()}_${this.#nodes.length}`;
    this.#nodes.push({ op, inputs: inputs.map(({ name }) => name), output, attributes });
    return { name: output, channels: inputs[0]!.channels };
  }

  /** The graph as it stands, from `input`, float32 [batch, 3, side, side], to `logits`, float32 [batch, classes]. */
  graph(name: string, logits: Value, side: number): OnnxGraph {
    const nodes = this.#nodes.map((node) =>
      node.output === logits.name ? { ...node, output: "logits" } : node,
    );
    return {
      name,
      nodes,
      initializers: [...this.#initializers, ...this.#constants.values()],
      inputs: [{ name: IMAGE.name, dims: ["batch", 3, side, side] }],
      outputs: [{ name: "logits", dims: ["batch", logits.channels] }],
    };
  }

  #constant(name: string, value: number): Value {
    this.#constants.set(name, { name, dims: [], data: new Float32Array([value]) });
    return { name, channels: 1 };
  }

  #layer(
    op: string,
    input: Value,
    channels: number,
    dims: number[],
    deviation: number,
    attributes: OnnxNode["attributes"],
  ): Value {
    const number = this.#nodes.length;
    const length = dims.reduce((product, dim) => product * dim, 1);
    const weight = { name: `weight_${number}`, dims, data: this.#weights.draw(length, deviation) };
    const bias = {
      name: `bias_${number}`,
      dims: [channels],
      data: this.#weights.draw(channels, BIAS_DEVIATION),
    };
    this.#initializers.push(weight, bias);
    return {
      ...this.node(op, [input, { ...weight, channels }, { ...bias, channels }], attributes),
      channels,
    };
  }
}

/** The photograph: float32 [batch, 3, side, side]. */
export const IMAGE: Value = { name: "input", channels: 3 };
