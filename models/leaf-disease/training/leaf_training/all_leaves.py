"""The network that is published when all parts were measured: trained by the same recipe, on all leaves."""

from __future__ import annotations

from pathlib import Path

from . import card
from .cross_validation import measured_parts, parts_of, pool
from .run import Place, Run
from .train import Recipe


def publish_from_all_leaves(place: Place, recipe: Recipe, folds: int, directory: Path) -> None:
    """Train on every leaf and every picture of something else, and publish that to `directory`.

    No leaf is left to measure it with: its accuracy is what the parts' networks reached by the same recipe, and its
    calibration the median of theirs. Raises where `--cross-validate` has not measured them all.
    """
    measured = measured_parts(parts_of(place, recipe, folds))
    if len(measured) < folds:
        raise ValueError(f"{len(measured)} of {folds} parts are measured; --cross-validate measures them")
    run = Run(place, recipe, folds, None)
    run.train()
    run.export()
    metrics = {**pool(measured, run.ids), **run.about()}
    run.publish_with(metrics, card.figures_of_all_leaves(metrics), directory)
