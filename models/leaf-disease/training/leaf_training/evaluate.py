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
)
from .conditions import ON_SCENE
from .dataset import Photograph
from .intervals import Subjects, bootstrapped, interval_of
from .pictures import AS_PHOTOGRAPHED, Exam, PictureSets, write_leaves, write_pictures
from .publish import write_model
from .server import Answers

# To read the graph's own scores, before anything is fitted to them.
UNCALIBRATED = Calibration(temperature=1.0, high=1.0, medium=1.0, unknown=1.0)
NAME, VERSION = "measured", "1.0.0"


def share(flags: NDArray[np.bool_], subjects: Subjects | None = None) -> dict[str, Any]:
    """How many of `flags` are set, with the 95% interval of their share.

    Photographs of one of the `subjects` are copies: in the interval's width they count as one.
    """
    return counted(int(flags.sum()), len(flags), len(flags) if subjects is None else len(np.unique(subjects)))


def counted(count: int, of: int, different: int) -> dict[str, Any]:
    """A count of `of` pictures, `different` of which are not copies, with the 95% interval of its share."""
    return {"count": count, "of": of, "different": different, "interval": interval_of(count, of, different)}


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


def _f1(predicted: NDArray[np.integer], labels: NDArray[np.integer], classes: int) -> NDArray[np.floating]:
    """F1 of each class [C]; 0 where a class is neither shown nor answered."""
    hits = np.bincount(labels[predicted == labels], minlength=classes)
    named = np.bincount(predicted, minlength=classes) + np.bincount(labels, minlength=classes)
    return 2 * hits / np.maximum(1, named)


def class_figures(
    ids: Sequence[str], predicted: NDArray[np.integer], labels: NDArray[np.integer], subjects: Subjects
) -> dict[str, Any]:
    """Top-1, macro F1, and F1 and recall of each class; `predicted`, `labels` and `subjects` are [N]."""
    f1 = _f1(predicted, labels, len(ids))
    table = []
    for place, class_id in enumerate(ids):
        shown = labels == place
        recall = share(predicted[shown] == place, subjects[shown])
        table.append({"class_id": class_id, "f1": float(f1[place]), "recall": recall})
    return {
        "right": share(predicted == labels, subjects),
        "macro_f1": float(f1.mean()),
        "macro_f1_interval": bootstrapped(
            lambda drawn: float(_f1(predicted[drawn], labels[drawn], len(ids)).mean()), subjects
        ),
        "classes": table,
    }


def calibration_figures(
    probability: NDArray[np.floating], right: NDArray[np.bool_], subjects: Subjects
) -> dict[str, Any]:
    """The expected calibration error of the answers' probabilities [N], with its interval."""
    return {
        "expected_calibration_error": expected_calibration_error(probability, right),
        "expected_calibration_error_interval": bootstrapped(
            lambda drawn: expected_calibration_error(probability[drawn], right[drawn]), subjects
        ),
    }


def _calibration(clean: Answers, changed: Sequence[Answers], labels: NDArray[np.integer]) -> Calibration:
    """Temperature from the photographs as they are, thresholds from them under every condition."""
    return calibrate(
        fit_temperature(clean.log_probabilities, labels),
        np.concatenate([answers.log_probabilities for answers in changed]),
        np.concatenate([answers.unknown_score for answers in changed]),
        np.tile(labels, len(changed)),
    )


def _crossed(
    raw: dict[str, Answers],
    fitted_on: Sequence[str],
    labels: NDArray[np.integer],
    halves: NDArray[np.integer],
    subjects: Subjects,
) -> dict[str, dict[str, Any]]:
    """For each set of leaves: calibration fitted on one half of the leaves and judged on the other, both ways round.

    Thresholds are fitted on the sets `fitted_on`, temperatures on the leaves as photographed.
    """
    probability = {name: np.zeros(len(labels)) for name in raw}
    flags = {name: {flag: np.zeros(len(labels), bool) for flag in ("unknown", "low", "medium", "high")} for name in raw}
    for half in (0, 1):
        fit, judge = halves != half, halves == half
        changed = [raw[name].of(fit) for name in fitted_on]
        calibration = _calibration(raw[AS_PHOTOGRAPHED].of(fit), changed, labels[fit])
        for name, answers in raw.items():
            log_probabilities = answers.log_probabilities[judge]
            probability[name][judge] = softmax(log_probabilities / calibration.temperature).max(1)
            for flag, values in _verdicts(answers.of(judge), calibration).items():
                flags[name][flag][judge] = values
    crossed = {}
    for name, answers in raw.items():
        right, flagged = answers.log_probabilities.argmax(1) == labels, flags[name]
        crossed[name] = {
            "right": share(right, subjects),
            "called_unknown": share(flagged["unknown"], subjects),
            "called_low": share(flagged["low"], subjects),
            "high_right": share(right[flagged["high"]], subjects[flagged["high"]]),
            "medium_right": share(right[flagged["medium"]], subjects[flagged["medium"]]),
        }
    clean = raw[AS_PHOTOGRAPHED].log_probabilities.argmax(1) == labels
    crossed[AS_PHOTOGRAPHED] |= {
        **calibration_figures(probability[AS_PHOTOGRAPHED], clean, subjects),
        # One a photograph, so that several parts can be counted as one.
        "probability": [round(float(value), 6) for value in probability[AS_PHOTOGRAPHED]],
    }
    return crossed


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

    `halves` (0 or 1 per leaf photograph, leaf-disjoint) are for judging leaves by a calibration that was fitted on
    others. The calibration returned is fitted on all of them; foreign pictures, which none is fitted on, are judged
    by the server under that one.
    """
    leaves = exam.leaves
    labels = np.array([ids.index(photograph.folder) for photograph in leaves])
    subjects = np.array([photograph.leaf for photograph in leaves])
    with tempfile.TemporaryDirectory() as scratch:
        pictures = Path(scratch) / "pictures"
        sets = write_pictures(pictures, data, exam)
        served = Served(graph, ids, side, Path(scratch))
        raw = served.ask(UNCALIBRATED, pictures, sets)
        # Leaves on another photograph are too far from any real one to set a threshold by.
        fitted_on = [name for name in sets.leaves if name != ON_SCENE]
        calibration = _calibration(raw[AS_PHOTOGRAPHED], [raw[name] for name in fitted_on], labels).rounded()
        answers = served.ask(calibration, pictures, sets)
    predicted = raw[AS_PHOTOGRAPHED].log_probabilities.argmax(1)
    crossed = _crossed({name: raw[name] for name in sets.leaves}, fitted_on, labels, np.asarray(halves), subjects)
    return {
        "leaves": {"photographs": len(leaves), "leaves": len(np.unique(subjects))},
        **class_figures(ids, predicted, labels, subjects),
        "labels": labels.tolist(),
        "predicted": predicted.tolist(),
        "subjects": subjects.tolist(),
        "calibration": asdict(calibration),
        "crossed": crossed[AS_PHOTOGRAPHED],
        "conditions": {
            name: {figure: found[figure] for figure in ("right", "called_unknown", "called_low")}
            for name, found in crossed.items()
        },
        "foreign": {
            name: {"called_unknown": share(answers[name].unknown), "called_low": share(answers[name].status == "LOW")}
            for name in sets.foreign
        },
    }


def evaluate_leaves(graph: Path, ids: Sequence[str], side: int, leaves: Sequence[Photograph]) -> dict[str, Any]:
    """Only how many of `leaves`, as photographed, are right."""
    labels = np.array([ids.index(photograph.folder) for photograph in leaves])
    with tempfile.TemporaryDirectory() as scratch:
        pictures = Path(scratch) / "pictures"
        sets = write_leaves(pictures, leaves)
        answers = Served(graph, ids, side, Path(scratch)).ask(UNCALIBRATED, pictures, sets)
    predicted = answers[AS_PHOTOGRAPHED].log_probabilities.argmax(1)
    return class_figures(ids, predicted, labels, np.array([photograph.leaf for photograph in leaves]))
