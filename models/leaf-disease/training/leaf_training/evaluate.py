"""Measures an exported graph on what its training never saw; the card's figures come from here.

The server decodes, prepares and judges every picture; here is only counted.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import server
from .calibrate import (
    Calibration,
    calibrate,
    expected_calibration_error,
    fit_temperature,
    softmax,
    wilson,
)
from .conditions import ON_SCENE
from .dataset import Photograph
from .pictures import AS_PHOTOGRAPHED, Exam, PictureSets, write_leaves, write_pictures
from .publish import write_model
from .server import Answers

# To read the graph's own scores, before anything is fitted to them.
UNCALIBRATED = Calibration(temperature=1.0, high=1.0, medium=1.0, unknown=1.0)
NAME, VERSION = "measured", "1.0.0"


def share(flags: NDArray[np.bool_]) -> dict[str, Any]:
    """How many of `flags` are set, with the 95% interval of their share."""
    return counted(int(flags.sum()), len(flags))


def counted(count: int, of: int) -> dict[str, Any]:
    """A count of `of`, with the 95% interval of its share."""
    return {"count": count, "of": of, "interval": wilson(count, of)}


def _verdicts(answers: Answers, calibration: Calibration) -> dict[str, NDArray[np.bool_]]:
    """The server's rule, for thresholds that are tried on one half of the leaves."""
    probability = softmax(answers.log_probabilities / calibration.temperature).max(1)
    unknown = answers.unknown_score > calibration.unknown
    return {
        "unknown": unknown,
        "low": unknown | (probability < calibration.medium),
        "medium": ~unknown & (probability >= calibration.medium) & (probability < calibration.high),
        "high": ~unknown & (probability >= calibration.high),
    }


def class_figures(ids: Sequence[str], predicted: NDArray[np.integer], labels: NDArray[np.integer]) -> dict[str, Any]:
    """Top-1, macro F1, and F1 and recall of each class."""
    table, f1 = [], []
    for place, class_id in enumerate(ids):
        hits = int(((predicted == place) & (labels == place)).sum())
        f1.append(2 * hits / max(1, int((predicted == place).sum() + (labels == place).sum())))
        table.append({"class_id": class_id, "f1": f1[-1], "recall": share(predicted[labels == place] == place)})
    return {"right": share(predicted == labels), "macro_f1": float(np.mean(f1)), "classes": table}


def _calibration(clean: Answers, changed: Sequence[Answers], labels: NDArray[np.integer]) -> Calibration:
    """Temperature from the photographs as they are, thresholds from them under every condition."""
    return calibrate(
        fit_temperature(clean.log_probabilities, labels),
        np.concatenate([answers.log_probabilities for answers in changed]),
        np.concatenate([answers.unknown_score for answers in changed]),
        np.tile(labels, len(changed)),
    )


def _crossed(
    answers: Answers, changed: Sequence[Answers], labels: NDArray[np.integer], halves: NDArray[np.integer]
) -> dict[str, Any]:
    """Calibration fitted on one half of the leaves and judged on the other, both ways round."""
    probability, right = np.zeros(len(labels)), answers.log_probabilities.argmax(1) == labels
    flags = {name: np.zeros(len(labels), bool) for name in ("unknown", "low", "medium", "high")}
    for half in (0, 1):
        fit, judge = halves != half, halves == half
        calibration = _calibration(answers.of(fit), [one.of(fit) for one in changed], labels[fit])
        probability[judge] = softmax(answers.log_probabilities[judge] / calibration.temperature).max(1)
        for name, values in _verdicts(answers.of(judge), calibration).items():
            flags[name][judge] = values
    return {
        "expected_calibration_error": expected_calibration_error(probability, right),
        "called_unknown": share(flags["unknown"]),
        "called_low": share(flags["low"]),
        "high_right": share(right[flags["high"]]),
        "medium_right": share(right[flags["medium"]]),
        # One a photograph, so that several parts can be counted as one.
        "probability": [round(float(value), 6) for value in probability],
    }


class Served:
    """A graph in a model repository of its own, asked through the server."""

    def __init__(self, graph: Path, ids: Sequence[str], side: int, scratch: Path) -> None:
        self.ids, self.side = ids, side
        self.models = scratch / "models"
        self.directory = self.models / NAME / VERSION
        self.directory.mkdir(parents=True)
        shutil.copyfile(graph, self.directory / "model.onnx")

    def ask(self, calibration: Calibration, pictures: Path, sets: PictureSets) -> dict[str, Answers]:
        """The server's answers, by set, with `calibration` in the manifest."""
        write_model(self.directory, NAME, self.ids, self.side, asdict(calibration))
        return server.ask(self.models, f"{NAME}/{VERSION}", pictures, sets.names)


def evaluate(
    graph: Path, data: Path, ids: Sequence[str], side: int, exam: Exam, halves: Sequence[int]
) -> dict[str, Any]:
    """All figures of `graph`: on held-out leaves and on foreign pictures never trained on.

    `halves` (0 or 1 per leaf photograph, leaf-disjoint) are for judging calibration on other leaves than
    it was fitted on. The calibration returned is fitted on all of them, and the server's verdicts are
    those under it.
    """
    leaves = exam.leaves
    labels = np.array([ids.index(photograph.folder) for photograph in leaves])
    with tempfile.TemporaryDirectory() as scratch:
        pictures = Path(scratch) / "pictures"
        sets = write_pictures(pictures, data, exam)
        served = Served(graph, ids, side, Path(scratch))
        raw = served.ask(UNCALIBRATED, pictures, sets)
        # Leaves on another photograph are too far from any real one to set a threshold by.
        changed = [raw[name] for name in sets.leaves if name != ON_SCENE]
        calibration = _calibration(raw[AS_PHOTOGRAPHED], changed, labels).rounded()
        answers = served.ask(calibration, pictures, sets)
    low = {name: share(found.status == "LOW") for name, found in answers.items()}
    unknown = {name: share(found.unknown) for name, found in answers.items()}
    predicted = {name: answers[name].log_probabilities.argmax(1) for name in sets.leaves}
    return {
        "leaves": {"photographs": len(leaves), "leaves": len({p.leaf for p in leaves})},
        **class_figures(ids, predicted[AS_PHOTOGRAPHED], labels),
        "labels": labels.tolist(),
        "predicted": predicted[AS_PHOTOGRAPHED].tolist(),
        "calibration": asdict(calibration),
        "crossed": _crossed(raw[AS_PHOTOGRAPHED], changed, labels, np.asarray(halves)),
        "conditions": {
            name: {
                "right": share(predicted[name] == labels),
                "called_unknown": unknown[name],
                "called_low": low[name],
            }
            for name in sets.leaves
        },
        "foreign": {name: {"called_unknown": unknown[name], "called_low": low[name]} for name in sets.foreign},
    }


def evaluate_leaves(graph: Path, ids: Sequence[str], side: int, leaves: Sequence[Photograph]) -> dict[str, Any]:
    """Only how many of `leaves`, as photographed, are right."""
    labels = np.array([ids.index(photograph.folder) for photograph in leaves])
    with tempfile.TemporaryDirectory() as scratch:
        pictures = Path(scratch) / "pictures"
        sets = write_leaves(pictures, leaves)
        answers = Served(graph, ids, side, Path(scratch)).ask(UNCALIBRATED, pictures, sets)
    return class_figures(ids, answers[AS_PHOTOGRAPHED].log_probabilities.argmax(1), labels)
