"""Inputs of a model, as the server's own preprocessing gives them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from .failure import Failure


def open_tensors(job: dict[str, Any]) -> np.ndarray:
    """Map the raw little-endian file of `{"tensors", "shape", "dtype"}`; nothing of it is read before it is used."""
    path, shape, dtype = Path(job["tensors"]), tuple(job["shape"]), np.dtype(job["dtype"]).newbyteorder("<")
    wanted = math.prod(shape) * dtype.itemsize
    if shape[0] < 1 or path.stat().st_size != wanted:
        raise Failure(f"{path.name} should hold {wanted} bytes of photographs, but has {path.stat().st_size}.")
    return np.memmap(path, dtype=dtype, mode="r", shape=shape)


def in_batches(
    session: onnxruntime.InferenceSession, tensors: np.ndarray
) -> Iterator[tuple[dict[str, np.ndarray], int]]:
    """Feeds for `session` and how many rows of each count: one row a run, or as many as the graph insists on.

    The last feed of a graph with a fixed batch repeats its last row.
    """
    graph_input = session.get_inputs()[0]
    size = graph_input.shape[0] if isinstance(graph_input.shape[0], int) else 1
    for start in range(0, len(tensors), size):
        rows = tensors[start : start + size]
        filled = np.concatenate([rows, np.repeat(rows[-1:], size - len(rows), axis=0)])
        yield {graph_input.name: filled}, len(rows)
