"""Compares networks and resolutions: what each gets right, and what it costs."""

from __future__ import annotations

import time
from dataclasses import replace

from .card import percent, table
from .run import Place, Run
from .train import RECIPES, quick

# (network, side in pixels). The first is the default model.
CANDIDATES = (
    ("shufflenet_v2_x0_5", 224),
    ("shufflenet_v2_x0_5", 160),
    ("shufflenet_v2_x0_5", 192),
    ("shufflenet_v2_x0_5", 256),
    ("mobilenet_v3_small", 224),
    ("efficientnet_lite0", 160),
)
EPOCHS, STEPS_PER_EPOCH, USES = 20, 48, 2


def compare(place: Place, folds: int, fold: int) -> str:
    """Train all candidates by an equally long recipe and measure them; gives the card's section."""
    apart = replace(place, runs=place.runs / "comparison")
    rows = []
    began = time.monotonic()
    for done, (network, side) in enumerate(CANDIDATES):
        early = min(160, side * 5 // 7 // 32 * 32)
        recipe = replace(
            RECIPES[network], side=side, early_side=early, epochs=EPOCHS, steps_per_epoch=STEPS_PER_EPOCH, uses=USES
        )
        run = Run(apart, quick(recipe) if place.size.quick else recipe, folds, fold)
        metrics = run.right_and_time()
        cost = metrics["timing"]
        spent = (time.monotonic() - began) / 60
        left = spent / (done + 1) * (len(CANDIDATES) - done - 1)
        place.say(f"{done + 1} of {len(CANDIDATES)} compared, {spent:.0f} min, about {left:.0f} min to go")
        rows.append(
            [
                f"{network}, {run.recipe.side} x {run.recipe.side}",
                f"{metrics['parameters']:,}",
                f"{cost['model_lowest_ms']:.2f}",
                f"{cost['ratio_to_mobilenet']:.2f}",
                percent(metrics["right"]),
                f"{metrics['macro_f1']:.3f}",
            ]
        )
    head = ["network, pixels", "parameters", "lowest ms", "ratio to mobilenet_v3_small", "right (top-1)", "macro F1"]
    return f"""\
Each trained for {EPOCHS * STEPS_PER_EPOCH} batches (the published model for more) with part {fold} of {folds}
held out, exported, and asked through the server about the held-out leaves. Time as above, each in a run of its
own. mobilenet_v3_small started from random weights, efficientnet_lite0 from ImageNet's.

{table(head, rows)}
"""
