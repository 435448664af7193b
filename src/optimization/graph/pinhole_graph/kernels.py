"""Step `kernels`: which kernels ONNX Runtime really runs a network with, and what each kind of operator costs."""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx

from .model_file import load
from .progress import Progress
from .runtime import open_session, run as run_session
from .tensors import in_batches, open_tensors

# Convolutions and matrix products, whatever graph optimisation has made of their names.
INTEGER_KERNELS = frozenset(
    (
        "QLinearConv",
        "ConvInteger",
        "QGemm",
        "QLinearMatMul",
        "MatMulInteger",
        "MatMulIntegerToFloat",
        "DynamicQuantizeMatMul",
    )
)
FLOAT_KERNELS = frozenset(("Conv", "FusedConv", "NhwcFusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul"))
RUNS = 12
WARM_UPS = 2
_NODE_SUFFIX = "_kernel_time"
# What optimisers add to the name of the node that theirs stands for.
_ADDED = re.compile(r"^fused |_nchwc$|_token_\d+$")


@dataclass(frozen=True)
class Timed:
    """One node of the graph that runs, after optimisation."""

    name: str
    operator: str
    ms: float
    """Median of the runs."""


def run(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Profile `job["model"]` on one core, one photograph at a time, every optimisation on."""
    of = WARM_UPS + RUNS
    tell = lambda done: progress.tell(done, of, "looking at which kernels run")  # noqa: E731
    (timed,) = profiles([load(job["model"])], open_tensors(job["tensors"]), RUNS, tell)
    integer = [node for node in timed if node.operator in INTEGER_KERNELS]
    floating = [node for node in timed if node.operator in FLOAT_KERNELS]
    by_operator: defaultdict[str, float] = defaultdict(float)
    for node in timed:
        by_operator[node.operator] += node.ms
    ordered = sorted(by_operator.items(), key=lambda entry: -entry[1])
    return {
        "integer": len(integer),
        "float": len(floating),
        "float_nodes": [node.name for node in floating],
        "ms_by_operator": {operator: round(ms, 4) for operator, ms in ordered},
    }


def profiles(
    models: Sequence[onnx.ModelProto], tensors: np.ndarray, runs: int, tell: Callable[[int], None]
) -> list[list[Timed]]:
    """Of each model every node that ran, on one core; the models take turns, so that a busy moment meets them all."""
    with tempfile.TemporaryDirectory(prefix="pinhole-profile-") as folder:
        sessions = [
            open_session(model, threads=1, profile=str(Path(folder, str(index)))) for index, model in enumerate(models)
        ]
        feeds = [feed for feed, _ in in_batches(sessions[0], tensors[:runs])]
        for index in range(WARM_UPS + runs):
            tell(index)
            for session in sessions:
                run_session(session, feeds[index % len(feeds)])
        tell(WARM_UPS + runs)
        return [_timed(Path(session.end_profiling())) for session in sessions]


def _timed(profile: Path) -> list[Timed]:
    durations: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for event in json.loads(profile.read_text(encoding="utf-8")):
        if event.get("cat") == "Node" and event["name"].endswith(_NODE_SUFFIX):
            name = _ADDED.sub("", event["name"].removesuffix(_NODE_SUFFIX))
            durations[name, event["args"]["op_name"]].append(event["dur"] / 1000)
    return [Timed(name, operator, median(times[WARM_UPS:])) for (name, operator), times in durations.items()]
