"""Networks of a few thousand random weights, with what real ones have in them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pinhole_graph.progress import Progress

SIDE = 16
CLASSES = 5


class Builder:
    """Adds nodes to a graph with the input `input`, float32 [batch, 3, SIDE, SIDE]."""

    def __init__(self, seed: int = 0):
        self.random = np.random.default_rng(seed)
        self.nodes = []
        self.initializers = []

    def constant(self, name, values):
        """A constant called `name`."""
        self.initializers.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, op, inputs, output, **attributes):
        """A node named as its output."""
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def conv(self, source, output, ins, outs, kernel=3, weight=None, **attributes):
        """A convolution that keeps the size, its weights spread so that values neither grow nor fade."""
        group = attributes.get("group", 1)
        if weight is None:
            shape = (outs, ins // group, kernel, kernel)
            values = self.random.normal(size=shape) / np.sqrt(np.prod(shape[1:]) / 2)
            weight = self.constant(f"{output}_weight", values.astype(np.float32))
        bias = self.constant(f"{output}_bias", self.random.normal(size=outs).astype(np.float32) / 10)
        pad = kernel // 2
        return self.node("Conv", [source, weight, bias], output, pads=[pad] * 4, **attributes)

    def linear(self, source, output, ins, outs):
        """A matrix product with a bias."""
        weight = self.constant(
            f"{output}_weight", (self.random.normal(size=(outs, ins)) / np.sqrt(ins)).astype(np.float32)
        )
        bias = self.constant(f"{output}_bias", self.random.normal(size=outs).astype(np.float32) / 10)
        return self.node("Gemm", [source, weight, bias], output, transB=1)

    def model(self, outputs, opset=17, dtype=TensorProto.FLOAT):
        """The network with `outputs`, {name: sizes after the batch}."""
        graph = helper.make_graph(
            self.nodes,
            "tiny",
            [helper.make_tensor_value_info("input", dtype, ["batch", 3, SIDE, SIDE])],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", *sizes]) for n, sizes in outputs.items()],
            self.initializers,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        onnx.checker.check_model(model, full_check=True)
        return model


def everything(opset: int = 17) -> onnx.ModelProto:
    """Batch norm, shared weights, depthwise, residual, squeeze-excite, hard-swish, concatenation, two heads."""
    b = Builder()
    x = b.conv("input", "stem", 3, 16)
    norm = [b.constant(f"norm_{k}", b.random.uniform(0.5, 1.5, 16).astype(np.float32)) for k in "sbmv"]
    x = b.node("BatchNormalization", [x, *norm], "normed")
    x = trunk = b.node("Relu", [x], "stem_relu")
    shared = b.constant("shared_weight", (b.random.normal(size=(16, 16, 1, 1)) / 3).astype(np.float32))
    x = b.conv(x, "first_twin", 16, 16, 1, weight=shared)
    x = b.node("Clip", [x, b.constant("zero", np.float32(0)), b.constant("six", np.float32(6))], "first_clip")
    x = b.conv(x, "depthwise", 16, 16, 3, group=16)
    x = b.node("Clip", [x, "zero", "six"], "second_clip")
    x = b.conv(x, "second_twin", 16, 16, 1, weight=shared)
    x = b.node("Add", [x, trunk], "residual")
    squeezed = b.node("GlobalAveragePool", [x], "squeeze")
    squeezed = b.node("Relu", [b.conv(squeezed, "excite_a", 16, 4, 1)], "excite_relu")
    gate = b.node("HardSigmoid", [b.conv(squeezed, "excite_b", 4, 16, 1)], "gate", alpha=1 / 6, beta=0.5)
    x = b.node("Mul", [x, gate], "excited")
    y = b.conv(x, "wide", 16, 16, 1)
    if opset >= 14:
        y = b.node("HardSwish", [y], "swish")
    x = b.node("Concat", [x, y], "both", axis=1)
    x = b.node("MaxPool", [x], "pooled", kernel_shape=[2, 2], strides=[2, 2])
    x = b.node("Relu", [b.conv(x, "last", 32, 64, 3)], "last_relu")
    x = b.node("ReduceMean", [x], "mean", axes=[2, 3], keepdims=0)
    score = b.node("Sigmoid", [b.linear(x, "score_linear", 64, 1)], "unknown_score")
    x = b.node("Relu", [b.linear(x, "hidden", 64, 1024)], "hidden_relu")
    b.linear(x, "logits", 1024, CLASSES)
    del score
    return b.model({"logits": [CLASSES], "unknown_score": [1]}, opset)


def one_that_hurts() -> onnx.ModelProto:
    """A network whose convolution `loud` makes one channel a thousand times the others, which `deaf` ignores."""
    b = Builder(3)
    x = b.node("Relu", [b.conv("input", "stem", 3, 16)], "stem_relu")
    x = b.conv(x, "loud", 16, 16, 1)
    b.initializers[-1] = numpy_helper.from_array(np.array([4000, *[0.0] * 15], np.float32), "loud_bias")
    deaf = (b.random.normal(size=(16, 16, 1, 1)) / 3).astype(np.float32)
    deaf[:, 0] = 0
    x = b.node("Relu", [b.conv(x, "deaf", 16, 16, 1, weight=b.constant("deaf_weight", deaf))], "deaf_relu")
    x = b.node("Relu", [b.conv(x, "calm", 16, 16, 3)], "calm_relu")
    x = b.node("Flatten", [b.node("GlobalAveragePool", [x], "mean")], "flat", axis=1)
    b.linear(x, "logits", 16, CLASSES)
    return b.model({"logits": [CLASSES]})


def photographs(folder: Path, rows: int = 12, seed: int = 1, dtype: str = "float32") -> dict:
    """Raw tensors of pictures with some structure: `{"tensors", "shape", "dtype"}`."""
    random = np.random.default_rng(seed)
    coarse = random.normal(size=(rows, 3, 4, 4))
    values = np.kron(coarse, np.ones((1, 1, 4, 4))) + random.normal(size=(rows, 3, SIDE, SIDE)) / 4
    if dtype == "uint8":
        values = np.clip(values * 50 + 128, 0, 255)
    path = folder / f"photographs-{rows}-{seed}-{dtype}.raw"
    values.astype(dtype).tofile(path)
    return {"tensors": str(path), "shape": list(values.shape), "dtype": dtype}


class Lines(io.StringIO):
    """What a step says."""

    def said(self) -> list[dict]:
        """Its lines."""
        return [json.loads(line) for line in self.getvalue().splitlines()]


def heard() -> tuple[Progress, Lines]:
    """A progress and what it tells."""
    lines = Lines()
    return Progress(lines), lines
