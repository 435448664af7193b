import { type GraphBuilder, IMAGE, type Value } from "./graph-builder.ts";

/** Table 1 of https://arxiv.org/abs/1512.03385: channels inside the blocks, blocks, stride of the first. */
const STAGES = [
  [64, 3, 1],
  [128, 4, 2],
  [256, 6, 2],
  [512, 3, 2],
] as const;
const EXPANSION = 4;
/** Sixteen blocks add to what passes them by: each adds little. */
const BRANCH_GAIN = 0.5;

/** As torchvision.models.resnet50 has it: strides in the 3 x 3 convolutions. @returns the logits, [batch, classes] */
export function resnet50(graph: GraphBuilder, classes: number): Value {
  let x = graph.convActivated(IMAGE, { channels: 64, kernel: 7, stride: 2 }, "Relu");
  x = graph.node("MaxPool", [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] });
  for (const [channels, blocks, stride] of STAGES) {
    for (let i = 0; i < blocks; i++) x = bottleneck(graph, x, channels, i === 0 ? stride : 1);
  }
  return graph.linear(graph.pooled(x), classes, 1);
}

function bottleneck(graph: GraphBuilder, input: Value, inside: number, stride: number): Value {
  const channels = inside * EXPANSION;
  let x = graph.convActivated(input, { channels: inside }, "Relu");
  x = graph.convActivated(x, { channels: inside, kernel: 3, stride }, "Relu");
  x = graph.conv(x, { channels, gain: BRANCH_GAIN });
  const passing = input.channels === channels ? input : graph.conv(input, { channels, stride, gain: 1 });
  return graph.activate(graph.node("Add", [x, passing]), "Relu");
}
