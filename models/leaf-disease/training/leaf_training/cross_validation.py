"""Trains and measures one network for each part of the leaves, and counts all parts as one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .calibrate import expected_calibration_error
from .card import percent, table
from .evaluate import class_figures, counted
from .run import Place, Run
from .side_by_side import train_side_by_side
from .train import Recipe

# So few photographs of a kind that each part asks about the same ones.
SAME_IN_EVERY_PART = ("apple leaves", "made:")


def _total(shares: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return counted(sum(share["count"] for share in shares), sum(share["of"] for share in shares))


def _pooled(parts: Sequence[dict[str, Any]], section: str) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(name for part in parts for name in part[section]):
        found = [part[section][name] for part in parts if name in part[section]]
        rows[name] = {figure: _total([row[figure] for row in found]) for figure in found[0]}
    return rows


def pool(parts: Sequence[dict[str, Any]], ids: Sequence[str]) -> dict[str, Any]:
    """One set of figures from those of each part: every leaf is counted once, by a network that never saw it.

    The calibration is the median of theirs, each value by itself.
    """
    labels = np.concatenate([part["labels"] for part in parts])
    predicted = np.concatenate([part["predicted"] for part in parts])
    probability = np.concatenate([part["crossed"]["probability"] for part in parts])
    verdicts = ("called_unknown", "called_low", "high_right", "medium_right")
    return {
        "leaves": {"photographs": len(labels), "leaves": sum(part["leaves"]["leaves"] for part in parts)},
        **class_figures(ids, predicted, labels),
        "calibration": {
            name: float(np.median([part["calibration"][name] for part in parts])) for name in parts[0]["calibration"]
        },
        "crossed": {
            "expected_calibration_error": expected_calibration_error(probability, predicted == labels),
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


def describe(pooled: dict[str, Any], without_crop: dict[str, Any] | None) -> str:
    """The card's section, as Markdown."""
    leaves, crossed = pooled["leaves"], pooled["crossed"]
    worst = min(pooled["classes"], key=lambda row: row["recall"]["count"] / max(1, row["recall"]["of"]))
    summary = [
        ["right (top-1)", percent(pooled["right"])],
        ["macro F1", f"{pooled['macro_f1']:.3f}"],
        [f"worst recall: `{worst['class_id']}`", percent(worst["recall"])],
        ["expected calibration error", f"{crossed['expected_calibration_error']:.1%}"],
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
same recipe on the other parts, exported, and asked through the server about the part that it had not seen:
{leaves["photographs"]:,} photographs of {leaves["leaves"]:,} leaves, each counted once. Each part also holds out
categories of things of its own. Temperature and thresholds were fitted on one half of the held-out leaves and
judged on the other, both ways round. Intervals are 95% Wilson intervals.

{table(["measure", "all parts"], summary)}

{table(["part held out", "right (top-1)", "macro F1", "calibration error", "leaves called unknown"], each)}

{table(["class", "found (recall)", "F1"], classes)}

{table(["the same leaves", "right (top-1)", "called unknown", "answered LOW"], conditions)}

{table(["pictures of something else", "called unknown"], foreign)}

\\* The same pictures, or ones drawn alike, were asked of every part's network: they are fewer than the count says.

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
    text = describe(pooled, without.figures())
    (place.runs / "cross-validation.json").write_text(json.dumps(pooled, indent=1) + "\n")
    return text
