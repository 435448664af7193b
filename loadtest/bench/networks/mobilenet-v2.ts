import { type GraphBuilder, IMAGE, type Value } from "./graph-builder.ts";

/** Table 2 of https://arxiv.org/abs/1801.04381: expansion, channels, blocks, stride of the first. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** As torchvision.models.mobilenet_v2 has it. @returns the logits, [batch, classes] */
export function mobilenetV2(graph: GraphBuilder, classes: number): Value {
  let x = graph.convActivated(IMAGE, { channels: 32, kernel: 3, stride: 2 }, "Relu6");
  for (const [expansion, channels, blocks, stride] of STAGES) {
    for (let i = 0; i < blocks; i++) {
      x = invertedResidual(graph, x, { expansion, channels, stride: i === 0 ? stride : 1 });
    }
  }
  x = graph.convActivated(x, { channels: 1280 }, "Relu6");
  return graph.linear(graph.pooled(x), classes, 1);
}

function invertedResidual(
  graph: GraphBuilder,
  input: Value,
  { expansion, channels, stride }: { expansion: number; channels: number; stride: number },
): Value {
  const expanded = input.channels * expansion;
  let x = input;
  if (expansion !== 1) x = graph.convActivated(x, { channels: expanded }, "Relu6");
  x = graph.convActivated(x, { channels: expanded, kernel: 3, stride, groups: expanded }, "Relu6");
  x = graph.conv(x, { channels, gain: 1 });
  const keepsShape = stride === 1 && channels === input.channels;
  return keepsShape ? graph.node("Add", [input, x]) : x;
}
