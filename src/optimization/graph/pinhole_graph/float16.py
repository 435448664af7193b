"""Step `float16`: weights stored in half the bytes; the network computes in float32 as before.

Each stored weight is followed by a Cast, which ONNX Runtime folds into a float32 constant when it loads the file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .failure import Failure
from .model_file import load, save
from .progress import Progress

# Smaller ones are not worth a node.
SMALLEST = 256
LARGEST_FLOAT16 = float(np.finfo(np.float16).max)


def run(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write `job["model"]` to `job["output"]` with its weights as float16."""
    progress.tell(0, 1, "storing weights as float16")
    model = load(job["model"])
    before = model.ByteSize()
    stored, kept = store_halves(model)
    if stored == 0:
        raise Failure("There is nothing to store as float16: the graph has no float32 weights of any size.")
    save(model, job["output"])
    progress.tell(1, 1, "storing weights as float16")
    return {"stored": stored, "kept": kept, "bytes_before": before, "bytes_after": model.ByteSize()}


def store_halves(model: onnx.ModelProto) -> tuple[int, int]:
    """Change `model`; how many weights are float16 now, and how many are too large in value for it."""
    casts: list[onnx.NodeProto] = []
    kept = 0
    declared = {value.name for value in [*model.graph.input, *model.graph.output]}
    for tensor in model.graph.initializer:
        # One that is a graph input, too, has to keep its type.
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) < SMALLEST or tensor.name in declared:
            continue
        values = numpy_helper.to_array(tensor)
        if not np.all(np.abs(values) <= LARGEST_FLOAT16):
            kept += 1
            continue
        name, halved = tensor.name, f"{tensor.name}_float16"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), halved))
        casts.append(helper.make_node("Cast", [halved], [name], name=f"{name}_cast", to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)
    return len(casts), kept
