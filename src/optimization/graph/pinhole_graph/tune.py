"""Step `tune`: for each int8 convolution the faster of two kernels that compute the same.

ONNX Runtime on x64 has a convolution of its own for weights with a zero point of 0. Others go through its general
matrix product, which on processors with AMX is the faster one where there is much to multiply. Weights moved down by
one, with a zero point of -1, are the same weights.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from statistics import median
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from .kernels import WARM_UPS, profiles
from .model_file import load, save
from .progress import Progress
from .runtime import open_session, run as run_session
from .tensors import in_batches, open_tensors
from .wiring import Wiring, attribute

RUNS = 24
# Gains below it are noise.
WORTH = 0.95


def run(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Write `job["model"]`, quantised, to `job["output"]` with the kernels that are fastest on this machine."""
    model, tensors = load(job["model"]), open_tensors(job["tensors"])
    runs = int(job.get("runs", RUNS))
    of = 2 * (WARM_UPS + runs)
    tell = lambda done: progress.tell(done, of, "finding the fastest kernel for each layer")  # noqa: E731
    movable = movable_convolutions(model)
    straight, moved = profiles([model, with_moved_weights(model, movable)], tensors, runs, tell)
    before = {node.name: node.ms for node in straight if node.operator == "QLinearConv"}
    after = {node.name: node.ms for node in moved if node.operator == "QLinearConv"}
    chosen = [name for name in movable if after.get(name, np.inf) < before.get(name, 0) * WORTH]
    tuned = with_moved_weights(model, chosen)
    before_ms, after_ms = timed_by_turns([model, tuned], tensors, runs, lambda done: tell(of // 2 + done))
    if after_ms >= before_ms:
        chosen, tuned, after_ms = [], model, before_ms
    save(tuned, job["output"])
    return {
        "changed": len(chosen),
        "convolutions": len(before),
        "before_ms": round(before_ms, 4),
        "after_ms": round(after_ms, 4),
    }


def movable_convolutions(model: onnx.ModelProto) -> list[str]:
    """Names of ungrouped convolutions whose int8 weights have a zero point of 0 and room below."""
    wiring = Wiring(model)
    return [
        node.name
        for node in wiring.nodes.values()
        if node.op_type == "Conv" and attribute(node, "group", 1) == 1 and _movable(wiring, node)
    ]


def with_moved_weights(model: onnx.ModelProto, names: Collection[str]) -> onnx.ModelProto:
    """A copy in which the weights of the convolutions called `names`, and their zero points, are one less."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    wiring = Wiring(copy)
    for name in names:
        for constant in wiring.producers[wiring.nodes[name].input[1]].input[0:3:2]:
            tensor = wiring.initializers[constant]
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) - np.int8(1), constant))
    return copy


def timed_by_turns(models, tensors, runs, tell) -> list[float]:  # noqa: ANN001
    """Median milliseconds of processor time for one photograph on one core, of each model."""
    sessions = [open_session(model, threads=1) for model in models]
    feeds = [feed for feed, _ in in_batches(sessions[0], tensors[:runs])]
    times: list[list[float]] = [[] for _ in sessions]
    for index in range(WARM_UPS + runs):
        tell(index)
        for session, taken in zip(sessions, times, strict=True):
            started = time.thread_time()
            run_session(session, feeds[index % len(feeds)])
            taken.append((time.thread_time() - started) * 1000)
    tell(WARM_UPS + runs)
    return [median(taken[WARM_UPS:]) for taken in times]


def _movable(wiring: Wiring, node: onnx.NodeProto) -> bool:
    source = wiring.producers.get(node.input[1])
    if source is None or source.op_type != "DequantizeLinear" or len(source.input) != 3:
        return False
    weights, zero_point = (wiring.array(name) for name in (source.input[0], source.input[2]))
    if weights is None or zero_point is None or weights.dtype != np.int8:
        return False
    own = all(len(wiring.consumers[name]) == 1 for name in (source.input[0], source.input[2]))
    return own and not zero_point.any() and weights.min(initial=0) > np.iinfo(np.int8).min
