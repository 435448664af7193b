"""Step `fold`: a graph that computes the same with fewer nodes, written so that int8 kernels can take its place."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, shape_inference, version_converter

from .failure import Failure
from .model_file import load, save
from .progress import Progress
from .runtime import open_session, run as run_session
from .tensors import in_batches, open_tensors
from .wiring import WEIGHTED, Wiring, attribute, operators

# The first opset whose QuantizeLinear takes a scale per channel is 13; older graphs are raised to what exporters write.
OLDEST_OPSET = 13
RAISED_TO = 17
NOISE_ROWS = 4
# An optimiser that makes one constant of equal ones: what we take apart below.
SHARING = ("ConstantSharing",)


def run(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Fold `job["model"]` into `job["output"]`; names of inputs and outputs and a free batch stay as they are."""
    progress.tell(0, 3, "reading the graph")
    model = load(job["model"])
    before = operators(model)
    refuse_unsuited(model)
    progress.tell(1, 3, "folding constants and batch norms")
    folded = optimised(raised(model))
    pooled_means(folded)
    name_nodes(folded)
    separated = separate_shared(folded)
    tidy(folded)
    folded = with_types(folded)
    progress.tell(2, 3, "comparing the folded graph with the original")
    difference = largest_difference(model, folded, job)
    save(folded, job["output"])
    progress.tell(3, 3, "folded")
    return {
        "nodes_before": before,
        "nodes_after": operators(folded),
        "separated": separated,
        "largest_difference": difference,
    }


def refuse_unsuited(model: onnx.ModelProto) -> None:
    """Raise Failure for a graph that is quantised already, or computes in float16."""
    quantised = {
        "QuantizeLinear",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "QLinearConv",
        "ConvInteger",
        "MatMulInteger",
    }
    if quantised & operators(model).keys():
        raise Failure("This network is quantised already: start from the float32 network that it was made from.")
    wiring = Wiring(model)
    weights = [
        wiring.initializers.get(name) for node in model.graph.node if node.op_type in WEIGHTED for name in node.input
    ]
    if any(tensor is not None and tensor.data_type == TensorProto.FLOAT16 for tensor in weights):
        raise Failure("This network computes in float16, which processors are slow at: export it in float32.")


def raised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in an opset that knows quantisation per channel."""
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset >= OLDEST_OPSET:
        return model
    try:
        return version_converter.convert_version(model, RAISED_TO)
    except Exception as error:  # The converter raises whatever its C++ side threw.
        raise Failure(
            f"The graph is of opset {opset} and could not be raised to {RAISED_TO}: export it anew."
        ) from error


def optimised(model: onnx.ModelProto) -> onnx.ModelProto:
    """What ONNX Runtime's portable optimisations make of it: constants, batch norms, identities folded."""
    with tempfile.TemporaryDirectory(prefix="pinhole-fold-") as scratch:
        path = Path(scratch, "optimised.onnx")
        level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        try:
            open_session(model, level=level, write_to=str(path), without=SHARING)
        except Failure:
            # It says of a full disk that the graph could not be serialised.
            if shutil.disk_usage(scratch).free < model.ByteSize():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "folded.onnx") from None
            raise
        return load(path)


def pooled_means(model: onnx.ModelProto) -> None:
    """Write means over height and width as the pooling that they are: that one has an int8 kernel."""
    wiring = Wiring(with_types(model))
    ranks = _ranks(with_types(model))
    for node in list(model.graph.node):
        if node.op_type != "ReduceMean" or ranks.get(node.input[0]) != 4:
            continue
        constant = wiring.array(node.input[1]) if len(node.input) > 1 else None
        axes = attribute(node, "axes", None) if constant is None else constant.tolist()
        if axes is None or sorted(axis % 4 for axis in axes) != [2, 3]:
            continue
        keeps = attribute(node, "keepdims", 1)
        source, target = node.input[0], node.output[0]
        pooled = target if keeps else f"{target}_pooled"
        new = [helper.make_node("GlobalAveragePool", [source], [pooled], name=node.name)]
        if not keeps:
            new.append(helper.make_node("Flatten", [pooled], [target], name=f"{node.name}_flatten", axis=1))
        _replace(model, [node], new)


def name_nodes(model: onnx.ModelProto) -> None:
    """Give every node a name of its own, by what it makes where it has none: later steps speak of nodes by name."""
    taken: set[str] = set()
    for node in model.graph.node:
        name = node.name or f"{node.op_type}_{node.output[0]}"
        while name in taken:
            name += "_"
        node.name = name
        taken.add(name)


def separate_shared(model: onnx.ModelProto) -> int:
    """Give each weighted node weights and bias of its own; how many copies that took.

    Shared ones silently keep ONNX Runtime from fusing a convolution and what quantises it.
    """
    wiring = Wiring(model)
    readers: dict[str, int] = {name: len(nodes) for name, nodes in wiring.consumers.items()}
    copies = 0
    for node in model.graph.node:
        if node.op_type not in WEIGHTED:
            continue
        for at, name in enumerate(node.input):
            tensor = wiring.initializers.get(name)
            if tensor is None or readers[name] < 2:
                continue
            copy = onnx.TensorProto()
            copy.CopyFrom(tensor)
            copy.name = f"{name}_of_{node.name}"
            model.graph.initializer.append(copy)
            node.input[at] = copy.name
            readers[name] -= 1
            copies += 1
    return copies


def tidy(model: onnx.ModelProto) -> None:
    """Drop constants that nobody reads, and operator sets that nobody uses."""
    graph = model.graph
    read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    _keep(graph.initializer, lambda tensor: tensor.name in read)
    domains = {"" if node.domain == "ai.onnx" else node.domain for node in graph.node} | {""}
    _keep(model.opset_import, lambda entry: entry.domain in domains)
    made_elsewhere = {tensor.name for tensor in graph.initializer}
    _keep(graph.input, lambda value: value.name not in made_elsewhere)


def with_types(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with what shape inference finds."""
    try:
        return shape_inference.infer_shapes(model, data_prop=True)
    except shape_inference.InferenceError as error:
        raise Failure(f"The shapes of the graph contradict each other: {str(error).strip().splitlines()[0]}") from error


def largest_difference(model: onnx.ModelProto, folded: onnx.ModelProto, job: dict[str, Any]) -> float:
    """Between outputs of both graphs on a few inputs: those of the job, else noise from a fixed seed."""
    one, other = open_session(model), open_session(folded)
    tensors = open_tensors(job["tensors"])[:NOISE_ROWS] if "tensors" in job else noise(one)
    largest = 0.0
    for feed, _ in in_batches(one, tensors):
        for expected, got in zip(run_session(one, feed), run_session(other, feed), strict=True):
            largest = max(
                largest, float(np.max(np.abs(expected.astype(np.float64) - got.astype(np.float64)), initial=0))
            )
    return largest


def noise(session: onnxruntime.InferenceSession) -> np.ndarray:
    """A few inputs around zero from a fixed seed, [rows, ...]."""
    graph_input = session.get_inputs()[0]
    dims = graph_input.shape[1:]
    if not all(isinstance(size, int) for size in dims):
        raise Failure("The graph leaves the size of its pictures open: say it in the export, as the manifest does.")
    values = np.random.default_rng(0).normal(size=(NOISE_ROWS, *dims))
    if graph_input.type == "tensor(uint8)":
        return np.clip(values * 64 + 128, 0, 255).astype(np.uint8)
    return values.astype(np.float16 if graph_input.type == "tensor(float16)" else np.float32)


def _ranks(model: onnx.ModelProto) -> dict[str, int]:
    """Of each value whose rank is known."""
    graph = model.graph
    return {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in [*graph.input, *graph.value_info, *graph.output]
        if value.type.tensor_type.HasField("shape")
    }


def _replace(model: onnx.ModelProto, old: list[onnx.NodeProto], new: list[onnx.NodeProto]) -> None:
    """Put `new` where the first of `old` stood."""
    made = {output for node in old for output in node.output}
    nodes = list(model.graph.node)
    at = next(index for index, node in enumerate(nodes) if made & set(node.output))
    del model.graph.node[:]
    model.graph.node.extend(nodes[:at] + new + [node for node in nodes[at:] if not made & set(node.output)])


def _keep(entries: Any, wanted: Any) -> None:  # noqa: ANN401 repeated fields have no common type
    kept = [entry for entry in entries if wanted(entry)]
    del entries[:]
    entries.extend(kept)
