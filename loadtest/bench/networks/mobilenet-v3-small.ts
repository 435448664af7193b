import { type Activation, type GraphBuilder, IMAGE, type Value } from "./graph-builder.ts";

interface Block {
  kernel: number;
  expanded: number;
  channels: number;
  /** Squeeze and excitation: channels weighted by what the whole picture holds. */
  squeeze: boolean;
  activation: Activation;
  stride: number;
}

const block = (
  kernel: number,
  expanded: number,
  channels: number,
  squeeze: boolean,
  activation: Activation,
  stride: number,
): Block => ({ kernel, expanded, channels, squeeze, activation, stride });

/** Table 2 of https://arxiv.org/abs/1905.02244. */
const BLOCKS = [
  block(3, 16, 16, true, "Relu", 2),
  block(3, 72, 24, false, "Relu", 2),
  block(3, 88, 24, false, "Relu", 1),
  block(5, 96, 40, true, "HardSwish", 2),
  block(5, 240, 40, true, "HardSwish", 1),
  block(5, 240, 40, true, "HardSwish", 1),
  block(5, 120, 48, true, "HardSwish", 1),
  block(5, 144, 48, true, "HardSwish", 1),
  block(5, 288, 96, true, "HardSwish", 2),
  block(5, 576, 96, true, "HardSwish", 1),
  block(5, 576, 96, true, "HardSwish", 1),
];

/** The excitation is a half and more: what follows makes up for it. */
const EXCITED_GAIN = 1.8;

/** As torchvision.models.mobilenet_v3_small has it. @returns the logits, [batch, classes] */
export function mobilenetV3Small(graph: GraphBuilder, classes: number): Value {
  let x = graph.convActivated(IMAGE, { channels: 16, kernel: 3, stride: 2 }, "HardSwish");
  for (const each of BLOCKS) x = invertedResidual(graph, x, each);
  x = graph.convActivated(x, { channels: 6 * x.channels }, "HardSwish");
  const hidden = graph.activate(graph.linear(graph.pooled(x), 1024, 2), "HardSwish");
  return graph.linear(hidden, classes, 2);
}

function invertedResidual(graph: GraphBuilder, input: Value, options: Block): Value {
  const { kernel, expanded, channels, squeeze, activation, stride } = options;
  let x = input;
  if (expanded !== input.channels) x = graph.convActivated(x, { channels: expanded }, activation);
  x = graph.convActivated(x, { channels: expanded, kernel, stride, groups: expanded }, activation);
  if (squeeze) x = excited(graph, x);
  x = graph.conv(x, { channels, gain: squeeze ? EXCITED_GAIN : 1 });
  const keepsShape = stride === 1 && channels === input.channels;
  return keepsShape ? graph.node("Add", [input, x]) : x;
}

function excited(graph: GraphBuilder, input: Value): Value {
  const squeezed = divisibleByEight(input.channels / 4);
  let scale = graph.node("GlobalAveragePool", [input]);
  scale = graph.activate(graph.conv(scale, { channels: squeezed, gain: 1, normed: false }), "Relu");
  scale = graph.conv(scale, { channels: input.channels, gain: 1, normed: false });
  scale = graph.node("HardSigmoid", [scale], { alpha: { float: 1 / 6 } });
  return graph.node("Mul", [input, scale]);
}

/** The nearest multiple of eight that is not less than nine tenths of it. */
function divisibleByEight(channels: number): number {
  const nearest = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return nearest < 0.9 * channels ? nearest + 8 : nearest;
}
