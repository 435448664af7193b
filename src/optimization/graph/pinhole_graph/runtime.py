"""ONNX Runtime sessions as the server has them, or without what would blur a measurement."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import onnx
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as native

from .failure import Failure

_ERRORS = (native.Fail, native.InvalidGraph, native.InvalidProtobuf, native.InvalidArgument, native.NotImplemented)
_ERRORS += (native.RuntimeException, native.NoSuchFile, native.EPFail)


def open_session(
    model: onnx.ModelProto | bytes,
    *,
    threads: int | None = None,
    level: onnxruntime.GraphOptimizationLevel = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    profile: str | None = None,
    write_to: str | None = None,
    without: Sequence[str] = (),
) -> onnxruntime.InferenceSession:
    """A session on the CPU.

    threads: None for one a core. profile: where a profile's file name begins. write_to: where the optimised graph
    goes. without: optimisers by name. Raises Failure where ONNX Runtime refuses the graph.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = level
    options.intra_op_num_threads = threads if threads is not None else len(os.sched_getaffinity(0))
    options.inter_op_num_threads = 1
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = profile
    if write_to is not None:
        options.optimized_model_filepath = write_to
    source = model if isinstance(model, bytes) else model.SerializeToString()
    try:
        return onnxruntime.InferenceSession(
            source, options, providers=["CPUExecutionProvider"], disabled_optimizers=list(without)
        )
    except _ERRORS as error:
        raise Failure(f"ONNX Runtime refuses the graph: {_first_line(error)}") from error


def run(session: onnxruntime.InferenceSession, feed: dict[str, Any], outputs: Sequence[str] | None = None) -> list[Any]:
    """The outputs called `outputs`, or all. Raises Failure where the graph cannot take `feed`."""
    try:
        return session.run(outputs, feed)
    except _ERRORS as error:
        raise Failure(f"The network failed on a photograph: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
