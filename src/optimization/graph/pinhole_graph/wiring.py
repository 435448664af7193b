"""Who makes and who reads each value of a graph."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
import onnx
from onnx import numpy_helper

WEIGHTED = ("Conv", "Gemm", "MatMul")


class Wiring:
    """An index of a graph as it is now: changed graphs want a new one."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.nodes: dict[str, onnx.NodeProto] = {node.name: node for node in graph.node}
        self.initializers: dict[str, onnx.TensorProto] = {tensor.name: tensor for tensor in graph.initializer}
        self.producers: dict[str, onnx.NodeProto] = {}
        self.consumers: defaultdict[str, list[onnx.NodeProto]] = defaultdict(list)
        self.outputs = {value.name for value in graph.output}
        for node in graph.node:
            for name in node.output:
                self.producers[name] = node
            for name in node.input:
                self.consumers[name].append(node)

    def array(self, name: str) -> np.ndarray | None:
        """The constant called `name`, or None."""
        tensor = self.initializers.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def weight(self, node: onnx.NodeProto) -> onnx.TensorProto | None:
        """The constant float weights of a convolution or matrix product, or None."""
        if node.op_type not in WEIGHTED or len(node.input) < 2:
            return None
        weight = self.initializers.get(node.input[1])
        return weight if weight is not None and len(weight.dims) >= 2 else None

    def weighted(self) -> list[onnx.NodeProto]:
        """Convolutions and matrix products with constant weights, in the order of the graph."""
        return [node for node in self.nodes.values() if self.weight(node) is not None]

    def upstream(self, names: Iterable[str]) -> set[str]:
        """Names of all nodes that the nodes called `names` depend on, themselves not counted unless in between."""
        return self._reach(names, lambda node: (self.producers.get(value) for value in node.input))

    def downstream(self, names: Iterable[str]) -> set[str]:
        """Names of all nodes that depend on the nodes called `names`."""
        return self._reach(names, lambda node: (reader for value in node.output for reader in self.consumers[value]))

    def _reach(self, names, neighbours) -> set[str]:  # noqa: ANN001
        reached: set[str] = set()
        waiting = [self.nodes[name] for name in names]
        while waiting:
            for node in neighbours(waiting.pop()):
                if node is not None and node.name not in reached:
                    reached.add(node.name)
                    waiting.append(node)
        return reached


def attribute(node: onnx.NodeProto, name: str, otherwise: object) -> object:
    """The value of one of `node`'s attributes."""
    for candidate in node.attribute:
        if candidate.name == name:
            return onnx.helper.get_attribute_value(candidate)
    return otherwise


def operators(model: onnx.ModelProto) -> dict[str, int]:
    """How many nodes of each operator there are."""
    return dict(sorted(Counter(node.op_type for node in model.graph.node).items()))
