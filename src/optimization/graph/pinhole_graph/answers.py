"""What a network says about photographs, and how far another one is from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import onnx

from .runtime import open_session, run
from .tensors import in_batches


@dataclass(frozen=True)
class Answers:
    """Of one network, a row a photograph."""

    logits: np.ndarray
    """float64 [photographs, classes]; logarithms where the network gives probabilities."""
    unknown: np.ndarray | None
    """float64 [photographs], where the network has such an output."""
    ms: float
    """Median processor time for one photograph on one core."""

    @property
    def probabilities(self) -> np.ndarray:
        """[photographs, classes]"""
        raised = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)

    def first(self, rows: int) -> Answers:
        """Of the first `rows` photographs."""
        return Answers(self.logits[:rows], None if self.unknown is None else self.unknown[:rows], self.ms)

    def agreement(self, other: Answers) -> float:
        """Share of the photographs for which both have the same class first."""
        return float(np.mean(self.logits.argmax(axis=1) == other.logits.argmax(axis=1)))

    def difference(self, other: Answers) -> float:
        """Mean absolute difference of probabilities, or of unknown scores where that is larger."""
        found = float(np.mean(np.abs(self.probabilities - other.probabilities)))
        if self.unknown is None or other.unknown is None:
            return found
        return max(found, float(np.mean(np.abs(self.unknown - other.unknown))))

    def harm(self, other: Answers) -> float:
        """How far off `other`'s logits are (root mean square, in standard deviations of ours), and its unknown scores.

        Finer than the difference of probabilities, which sees nothing where both are sure.
        """
        found = _root_mean_square(self.logits - other.logits) / (float(np.std(self.logits)) or 1.0)
        if self.unknown is None or other.unknown is None:
            return found
        return max(found, _root_mean_square(self.unknown - other.unknown))


def ask(
    model: onnx.ModelProto,
    tensors: np.ndarray,
    outputs: dict[str, Any],
    each: Callable[[], None] = lambda: None,
) -> Answers:
    """Run `model` over `tensors`. outputs: `{"logits", "softmax", "unknown_score"}`. each: called after every run."""
    session = open_session(model, threads=1)
    unknown_name = outputs.get("unknown_score")
    names = [outputs["logits"]] + ([unknown_name] if unknown_name else [])
    logits, unknown, times = [], [], []
    for feed, rows in in_batches(session, tensors):
        started = time.thread_time()
        answered = run(session, feed, names)
        times.append((time.thread_time() - started) * 1000 / rows)
        logits.append(answered[0].reshape(answered[0].shape[0], -1)[:rows])
        if unknown_name:
            unknown.append(answered[1].reshape(-1)[:rows])
        each()
    values = np.concatenate(logits).astype(np.float64)
    if outputs.get("softmax"):
        values = np.log(np.maximum(values, 1e-12))
    return Answers(values, np.concatenate(unknown).astype(np.float64) if unknown else None, median(times))


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
