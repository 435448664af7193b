"""Trains and measures one network for each part of the leaves, and counts all parts as one."""

from __future__ import annotations

import json
from collections.abc import Sequence
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


def pool(parts: Sequence[dict[str, Any]], ids: Sequence[str]) -> dict[str, Any]:
    """One set of figures from those of each part: every leaf is counted once, by a network that never saw it.

    The calibration is the median of theirs, each value by itself.
    """
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
                "right": part["right"],
                "macro_f1": part["macro_f1"],
                "expected_calibration_error": part["crossed"]["expected_calibration_error"],
                "called_unknown": part["crossed"]["called_unknown"],
            }
            for part in parts
        ],
    }


def describe(recipe: Recipe, pooled: dict[str, Any], without_crop: dict[str, Any] | None) -> str:
    """The card's section, as Markdown."""
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
            str(place),
            percent(part["right"]),
            f"{part['macro_f1']:.3f}",
            f"{part['expected_calibration_error']:.1%}",
            percent(part["called_unknown"]),
        ]
        for place, part in enumerate(pooled["each"])
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
    return f"""\
The leaves were dealt into {len(pooled["each"])} parts, leaf by leaf. For each part one network was trained by the
same recipe (`{recipe.name}`, {recipe.side} x {recipe.side} pixels, {recipe.epochs} epochs) on the other parts,
exported, and asked through the server about the part that it had not seen: {leaves["photographs"]:,} photographs of
{leaves["leaves"]:,} leaves, each counted once. Each part also holds out categories of things of its own. Leaves were
judged by a temperature and thresholds fitted on the other half of the held-out leaves, both ways round; pictures of
something else by those fitted on all of them. {INTERVALS}

{table(["measure", "all parts"], summary)}

{table(["part held out", "right (top-1)", "macro F1", "calibration error", "leaves called unknown"], each)}

{table(["class", "found (recall)", "F1"], classes)}

{table(["the same leaves", "right (top-1)", "called unknown", "answered LOW"], conditions)}

{table(["pictures of something else", "called unknown"], foreign)}

\\* Every part's network was asked about the same pictures: the interval is that of so many different ones.

\\*\\* Asked of one more network, trained by the same recipe without any leaf of that crop (first part held out).
"""


def cross_validate(place: Place, recipe: Recipe, folds: int, unseen_crop: str, at_once: int) -> str:
    """Train and measure each part, going on where an earlier call was cut off; gives the card's section.

    `at_once` of them are trained at a time; they are measured one by one.
    """
    runs = [Run(place, recipe, folds, fold) for fold in range(folds)]
    without = Run(place, replace(recipe, unseen_crop=unseen_crop), folds, 0)
    train_side_by_side([*runs, without], at_once)
    parts = []
    for done, run in enumerate(runs):
        place.say(f"part {done + 1} of {folds}")
        parts.append(run.figures())
    pooled = pool(parts, runs[0].ids)
    place.say(f"without any leaf of {unseen_crop}")
    text = describe(recipe, pooled, without.figures())
    (place.runs / "cross-validation.json").write_text(json.dumps(pooled, indent=1) + "\n")
    return text
