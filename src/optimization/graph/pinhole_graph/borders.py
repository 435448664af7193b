"""Where int8 meets float32."""

from __future__ import annotations

from collections.abc import Iterable

import onnx
from onnx import helper

from .plan import ACTIVATIONS, Plan
from .wiring import Wiring


def free_last_products(model: onnx.ModelProto, original: onnx.ModelProto, decided: Plan) -> None:
    """Let matrix products that nothing int8 follows give float32, as their integer kernel can.

    Else logits would be rounded to 256 levels. original: from which `model` was quantised.
    """
    wiring, before = Wiring(model), Wiring(original)
    int8 = set(decided.nodes)
    for name in decided.weighted:
        node = wiring.nodes[name]
        followers = {reader.name for reader in before.consumers[before.nodes[name].output[0]]}
        if node.op_type == "Conv" or followers & int8:
            continue
        rounding = _only(wiring.consumers[node.output[0]], "QuantizeLinear")
        restored = rounding and _only(wiring.consumers[rounding.output[0]], "DequantizeLinear")
        if restored:
            node.output[0] = restored.output[0]
            model.graph.node.remove(rounding)
            model.graph.node.remove(restored)


def guard_float_layers(model: onnx.ModelProto, kept: Iterable[str]) -> None:
    """Keep ONNX Runtime from quantising the layers `kept`.

    It quantises float32 weights by itself, with one scale for all channels, wherever a layer's input was int8 and its
    output becomes int8 with at most Relu or Clip in between: WeightBiasQuantization in
    onnxruntime/core/optimizer/qdq_transformer. A LeakyRelu that does what Relu does, or nothing, is none of these, and
    is fused into the layer as well as Relu is.
    """
    wiring = Wiring(model)
    for name in kept:
        node = wiring.nodes.get(name)
        source = wiring.producers.get(node.input[0]) if node is not None else None
        if source is None or source.op_type != "DequantizeLinear" or not _becomes_int8(wiring, node):
            continue
        relu = _only(wiring.consumers[node.output[0]], "Relu")
        if relu:
            relu.op_type = "LeakyRelu"
            relu.attribute.append(helper.make_attribute("alpha", 0.0))
            continue
        output = node.output[0]
        node.output[0] = f"{output}_unguarded"
        guard = helper.make_node("LeakyRelu", [node.output[0]], [output], name=f"{name}_guard", alpha=1.0)
        model.graph.node.insert(list(model.graph.node).index(node) + 1, guard)


def _becomes_int8(wiring: Wiring, node: onnx.NodeProto) -> bool:
    """Whether a single path without branches leads from `node` through activations to what quantises."""
    readers = wiring.consumers[node.output[0]]
    while len(readers) == 1 and readers[0].op_type in ACTIVATIONS:
        readers = wiring.consumers[readers[0].output[0]]
    return _only(readers, "QuantizeLinear") is not None


def _only(nodes: list[onnx.NodeProto], operator: str) -> onnx.NodeProto | None:
    return nodes[0] if len(nodes) == 1 and nodes[0].op_type == operator else None
