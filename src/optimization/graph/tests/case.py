"""A folder of its own for each test, and what most of them do in it."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from pinhole_graph import fold, quantize
from pinhole_graph.model_file import load, save

from .networks import everything, heard, photographs


class GraphCase(unittest.TestCase):
    """Has `self.folder`, gone after the test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="pinhole-graph-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def written(self, model: onnx.ModelProto, name: str = "model.onnx") -> str:
        """Path of a file with `model`."""
        save(model, self.folder / name)
        return str(self.folder / name)

    def folded(self, model: onnx.ModelProto | None = None) -> str:
        """Path of the folded model."""
        output = str(self.folder / "folded.onnx")
        fold.run({"model": self.written(model or everything()), "output": output}, heard()[0])
        return output

    def quantize_job(self, **changes) -> dict:
        """A job for `quantize`, of the folded network with everything in it."""
        model = changes.pop("model", None) or self.folded()
        photos = photographs(self.folder)
        job = {"model": model, "output": str(self.folder / "int8.onnx"), "work": str(self.folder)}
        return job | {"calibration": photos, "method": "minmax", "float_nodes": []} | changes

    def quantized(self, **changes) -> onnx.ModelProto:
        """The quantised network."""
        job = self.quantize_job(**changes)
        quantize.run(job, heard()[0])
        return load(job["output"])


def answers(model: onnx.ModelProto, feed: np.ndarray, optimise: bool = True) -> list[np.ndarray]:
    """All outputs of `model`."""
    options = onnxruntime.SessionOptions()
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"input": feed})


def feed_of(tensors: dict) -> np.ndarray:
    """All rows of a file of tensors."""
    return np.fromfile(tensors["tensors"], tensors["dtype"]).reshape(tensors["shape"])
