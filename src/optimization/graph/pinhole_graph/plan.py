"""Which nodes become int8, given those that are to stay in float32."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import onnx

from .failure import Failure
from .wiring import Wiring

# Operators with a uint8 kernel in ONNX Runtime's CPU provider, or that move bytes whatever they mean.
INTEGER_OPERATORS = frozenset(
    (
        "Add",
        "AveragePool",
        "Clip",
        "Concat",
        "Flatten",
        "GlobalAveragePool",
        "LeakyRelu",
        "MaxPool",
        "Mul",
        "Relu",
        "Reshape",
        "Resize",
        "Sigmoid",
        "Slice",
        "Split",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
    )
)
# What ends in the range of the node before it.
ACTIVATIONS = frozenset(("Clip", "Relu"))
# Matrix products with fewer weights than this are done before their input is quantised.
SMALLEST_PRODUCT = 32_768


@dataclass(frozen=True)
class Plan:
    """Names of nodes, in the order of the graph."""

    weighted: list[str]
    """Those with weights that become int8."""
    between: list[str]
    """Those without that lie between such, so that values stay int8 from one to the next."""
    kept: list[str]
    """Those with weights that stay in float32."""

    @property
    def nodes(self) -> list[str]:
        """All that become int8."""
        return self.weighted + self.between


def plan(model: onnx.ModelProto, float_nodes: Collection[str], operators: str = "all") -> Plan:
    """Decide for a folded model.

    operators: "all", or "weights" for convolutions and matrix products only. Raises Failure where nothing is left to
    quantise, or a name is of no node.
    """
    wiring = Wiring(model)
    unknown = [name for name in float_nodes if name not in wiring.nodes]
    if unknown:
        raise Failure(f"The graph has no node called {unknown[0]}.")
    candidates = [node.name for node in wiring.weighted()]
    if not candidates:
        raise Failure(
            "There is nothing to quantise: the graph has no convolution or matrix product with constant weights."
        )
    chosen = [name for name in candidates if name not in float_nodes and _pays(wiring, wiring.nodes[name])]
    between: list[str] = []
    if operators == "all" and chosen:
        after, before = wiring.downstream(chosen), wiring.upstream(chosen)
        for node in wiring.nodes.values():
            if node.op_type not in INTEGER_OPERATORS or node.name in float_nodes:
                continue
            if (node.name in after and node.name in before) or _ends(wiring, node, chosen):
                between.append(node.name)
    elif chosen:
        between = [node.name for node in wiring.nodes.values() if _ends(wiring, node, chosen)]
    return Plan(chosen, between, [name for name in candidates if name not in chosen])


def _pays(wiring: Wiring, node: onnx.NodeProto) -> bool:
    weights = 1
    for size in wiring.weight(node).dims:
        weights *= size
    return node.op_type == "Conv" or weights >= SMALLEST_PRODUCT


def _ends(wiring: Wiring, node: onnx.NodeProto, chosen: Collection[str]) -> bool:
    """Whether `node` is the activation of a layer in `chosen`: quantising to its range is all that it does."""
    producer = wiring.producers.get(node.input[0]) if node.op_type in ACTIVATIONS else None
    return producer is not None and producer.name in chosen
