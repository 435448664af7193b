"""Milliseconds of one core that a picture costs, beside a network that everybody knows."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torchvision
from onnxruntime import InferenceSession

from .export import OPSET, export_network, open_graph
from .network import LeafNetwork


def _mobilenet(file: Path) -> None:
    """A mobilenet_v3_small with random weights: for its time only."""
    network = torchvision.models.mobilenet_v3_small(weights=None).eval()
    torch.onnx.export(
        network,
        (torch.zeros(1, 3, 224, 224),),
        str(file),
        input_names=["input"],
        opset_version=OPSET,
        dynamo=False,
    )


def _milliseconds(session: InferenceSession, picture: np.ndarray) -> float:
    began = time.perf_counter()
    session.run(None, {"input": picture})
    return (time.perf_counter() - began) * 1000


def measure(network: LeafNetwork, file: Path, side: int, rounds: int) -> dict[str, float]:
    """Milliseconds a picture, batch of one, one thread: the exported `file`, the same without the
    activation map, and mobilenet_v3_small at 224, in turns so that a busy machine slows all alike.

    Medians and lowest values of `rounds` rounds, and the machine's load average at the end.
    """
    with tempfile.TemporaryDirectory() as scratch:
        without_map, mobilenet = Path(scratch) / "without_map.onnx", Path(scratch) / "mobilenet.onnx"
        export_network(network, side, without_map, with_map=False)
        _mobilenet(mobilenet)
        sessions = {
            "model": open_graph(file),
            "without_map": open_graph(without_map),
            "mobilenet": open_graph(mobilenet),
        }
    random = np.random.default_rng(0)
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(rounds):
        for name, session in sessions.items():
            width = session.get_inputs()[0].shape[2]
            times[name].append(_milliseconds(session, random.random((1, 3, width, width), np.float32)))
    measured: dict[str, float] = {}
    for name, values in times.items():
        measured[f"{name}_median_ms"] = float(np.median(values))
        measured[f"{name}_lowest_ms"] = float(np.min(values))
    # Of the lowest values: on a busy machine the longer network is interrupted more often.
    measured["ratio_to_mobilenet"] = measured["model_lowest_ms"] / measured["mobilenet_lowest_ms"]
    measured["load_average"] = os.getloadavg()[0]
    return measured
