"""Input channels as the int8 convolution kernels want them."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .wiring import Wiring, attribute

# Of ONNX Runtime's MlasConvSym on x64; others go through a copy of every window, which costs twice the time.
CHANNEL_MULTIPLE = 4


def pad_input_channels(model: onnx.ModelProto) -> int:
    """Add channels of zero, with weights of zero, where a quantised convolution reads a number that is no multiple.

    That is the first layer, with its three colours. How many were changed.
    """
    wiring = Wiring(model)
    changed = 0
    for conv in [node for node in model.graph.node if node.op_type == "Conv"]:
        activation, weight = (wiring.producers.get(name) for name in conv.input[:2])
        if attribute(conv, "group", 1) != 1 or not _dequantises(activation) or not _dequantises(weight):
            continue
        weights = wiring.array(weight.input[0])
        if (
            weights is None
            or weights.shape[1] % CHANNEL_MULTIPLE == 0
            or len(wiring.consumers[activation.output[0]]) > 1
        ):
            continue
        missing = -weights.shape[1] % CHANNEL_MULTIPLE
        spatial = weights.ndim - 2
        widths = [(0, 0), (0, missing)] + [(0, 0)] * spatial
        wiring.initializers[weight.input[0]].CopyFrom(numpy_helper.from_array(np.pad(weights, widths), weight.input[0]))
        pads = numpy_helper.from_array(
            np.array([0] * (spatial + 2) + [0, missing] + [0] * spatial, np.int64), f"{conv.name}_channel_pads"
        )
        model.graph.initializer.append(pads)
        quantised, zero_point = activation.input[0], activation.input[2]
        padded = f"{quantised}_padded"
        pad = helper.make_node("Pad", [quantised, pads.name, zero_point], [padded], name=f"{conv.name}_pad")
        activation.input[0] = padded
        model.graph.node.insert(list(model.graph.node).index(activation), pad)
        changed += 1
    if changed:
        # Shapes that were written down for the values that are wider now.
        del model.graph.value_info[:]
    return changed


def _dequantises(node: onnx.NodeProto | None) -> bool:
    return node is not None and node.op_type == "DequantizeLinear" and len(node.input) == 3
