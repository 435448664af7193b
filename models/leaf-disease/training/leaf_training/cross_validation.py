"""Trains and measures one network for each part of the leaves, and counts all parts measured as one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .card import INTERVALS, calibration_error, number, percent, table
from .evaluate import calibration_figures, class_figures, counted
from .run import Place, Run
from .side_by_side import train_side_by_side
from .train import Recipe

# So few photographs of a kind that each part asks about the same ones.
SAME_IN_EVERY_PART = ("apple leaves", "made:")


def _total(shares: Sequence[dict[str, Any]], same_in_every_part: bool = False) -> dict[str, Any]:
    different = [share["different"] for share in shares]
    return counted(
        sum(share["count"] for share in shares),
        sum(share["of"] for share in shares),
        max(different) if same_in_every_part else sum(different),
    )


def _pooled(parts: Sequence[dict[str, Any]], section: str) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(name for part in parts for name in part[section]):
        found = [part[section][name] for part in parts if name in part[section]]
        same = name.startswith(SAME_IN_EVERY_PART)
        rows[name] = {figure: _total([row[figure] for row in found], same) for figure in found[0]}
    return rows


def parts_of(place: Place, recipe: Recipe, folds: int) -> dict[int, Run]:
    """What is done for each part, by its number."""
    return {fold: Run(place, recipe, folds, fold) for fold in range(folds)}


def measured_parts(parts: Mapping[int, Run]) -> dict[int, dict[str, Any]]:
    """The figures of those that have been measured."""
    return {number: metrics for number, part in parts.items() if (metrics := part.measured) is not None}


def pool(measured: Mapping[int, dict[str, Any]], ids: Sequence[str]) -> dict[str, Any]:
    """One set of figures from those of each part, by its number: each leaf counts once, by a network that never saw it.

    The calibration is the median of theirs, each value by itself.
    """
    parts = list(measured.values())
    labels = np.concatenate([part["labels"] for part in parts])
    predicted = np.concatenate([part["predicted"] for part in parts])
    subjects = np.concatenate([part["subjects"] for part in parts])
    probability = np.concatenate([part["crossed"]["probability"] for part in parts])
    verdicts = ("called_unknown", "called_low", "high_right", "medium_right")
    return {
        "leaves": {"photographs": len(labels), "leaves": sum(part["leaves"]["leaves"] for part in parts)},
        **class_figures(ids, predicted, labels, subjects),
        "calibration": {
            name: float(np.median([part["calibration"][name] for part in parts])) for name in parts[0]["calibration"]
        },
        "crossed": {
            **calibration_figures(probability, predicted == labels, subjects),
            **{name: _total([part["crossed"][name] for part in parts]) for name in verdicts},
        },
        "conditions": _pooled(parts, "conditions"),
        "foreign": _pooled(parts, "foreign"),
        "each": [
            {
                "part": number,
                "right": part["right"],
                "macro_f1": part["macro_f1"],
                "expected_calibration_error": part["crossed"]["expected_calibration_error"],
                "called_unknown": part["crossed"]["called_unknown"],
            }
            for number, part in measured.items()
        ],
    }


def describe(recipe: Recipe, folds: int, pooled: dict[str, Any], without_crop: dict[str, Any] | None) -> str:
    """The card's section, as Markdown: of all `folds` parts, or of those measured so far."""
    leaves, crossed = pooled["leaves"], pooled["crossed"]
    worst = min(pooled["classes"], key=lambda row: row["recall"]["count"] / max(1, row["recall"]["of"]))
    summary = [
        ["right (top-1)", percent(pooled["right"])],
        ["macro F1", number(pooled["macro_f1"], pooled["macro_f1_interval"])],
        [f"worst recall: `{worst['class_id']}`", percent(worst["recall"])],
        ["expected calibration error", calibration_error(crossed)],
        ["answers called HIGH that are right", percent(crossed["high_right"])],
        ["answers called MEDIUM that are right", percent(crossed["medium_right"])],
        ["leaves called unknown", percent(crossed["called_unknown"])],
        ["leaves answered LOW (unknown or unsure)", percent(crossed["called_low"])],
    ]
    each = [
        [
            str(part["part"]),
            percent(part["right"]),
            f"{part['macro_f1']:.3f}",
            f"{part['expected_calibration_error']:.1%}",
            percent(part["called_unknown"]),
        ]
        for part in pooled["each"]
    ]
    classes = [[f"`{row['class_id']}`", percent(row["recall"]), f"{row['f1']:.3f}"] for row in pooled["classes"]]
    conditions = [
        [name, percent(row["right"]), percent(row["called_unknown"]), percent(row["called_low"])]
        for name, row in pooled["conditions"].items()
    ]
    foreign = [
        [name + (" \\*" if name.startswith(SAME_IN_EVERY_PART) else ""), percent(row["called_unknown"])]
        for name, row in pooled["foreign"].items()
    ]
    if without_crop is not None:
        foreign += [
            [f"{name} \\*\\*", percent(row["called_unknown"])]
            for name, row in without_crop["foreign"].items()
            if "a crop never trained on" in name
        ]
    done = len(pooled["each"])
    which = "all parts" if done == folds else f"{done} of {folds} parts"
    so_far = "" if done == folds else f"**Only {which} are measured so far.**\n\n"
    crop_note = (
        "\n\\*\\* Asked of one more network, trained by the same recipe without any leaf of that crop "
        "(first part held out).\n"
    )
    return f"""\
{so_far}The leaves were dealt into {folds} parts, leaf by leaf. For each part one network was trained by the
same recipe (`{recipe.name}`, {recipe.side} x {recipe.side} pixels, {recipe.epochs} epochs) on the other parts,
exported, and asked through the server about the part that it had not seen: {leaves["photographs"]:,} photographs of
{leaves["leaves"]:,} leaves, each counted once. Each part also holds out categories of things of its own. Leaves were
judged by a temperature and thresholds fitted on the other half of the held-out leaves, both ways round; pictures of
something else by those fitted on all of them. {INTERVALS}

{table(["measure", which], summary)}

{table(["part held out", "right (top-1)", "macro F1", "calibration error", "leaves called unknown"], each)}

{table(["class", "found (recall)", "F1"], classes)}

{table(["the same leaves", "right (top-1)", "called unknown", "answered LOW"], conditions)}

{table(["pictures of something else", "called unknown"], foreign)}

\\* Every part's network was asked about the same pictures: the interval is that of so many different ones.
{crop_note if without_crop is not None else ""}"""


def cross_validate(
    place: Place, recipe: Recipe, folds: int, unseen_crop: str, at_once: int, write: Callable[[str], None]
) -> None:
    """Train and measure each part, going on where an earlier call was cut off.

    `at_once` of them are trained at a time. Each is measured as soon as it is trained; then the card's section, of what
    is measured so far, is given to `write`.
    """
    parts = parts_of(place, recipe, folds)
    without = Run(place, replace(recipe, unseen_crop=unseen_crop), folds, 0)

    def report() -> None:
        measured = measured_parts(parts)
        if not measured:
            return
        pooled = pool(measured, parts[0].ids)
        (place.runs / "cross-validation.json").write_text(json.dumps(pooled, indent=1) + "\n")
        place.say(f"{len(measured)} of {folds} parts measured")
        write(describe(recipe, folds, pooled, without.measured))

    def measure(run: Run) -> None:
        run.figures()
        report()

    report()
    runs = [*parts.values(), without]
    for run in runs:
        if run.is_trained and run.measured is None:
            measure(run)
    train_side_by_side(runs, at_once, measure)
