"""Measures an exported graph on what its training never saw; the card's figures come from here.

Pictures are decoded and resized by Pillow, as the server's decoding is specified to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from PIL import Image

from . import synthetic
from .calibrate import (
    Calibration,
    calibrate,
    expected_calibration_error,
    fit_temperature,
    softmax,
    wilson,
)
from .conditions import CONDITIONS, Condition, on_scene
from .dataset import (
    HELD_OUT_CATEGORIES,
    HELD_OUT_OTHER_LEAVES,
    Photograph,
    class_ids,
    cover_and_crop,
    list_photographs,
    load_squares,
)
from .export import open_graph
from .grounds import ground_without_leaf
from .masks import Pixels, leaf_on_black, leaf_on_plain_ground

STORED_SIDE = 256
PLANTS_AND_FOOD = frozenset({"bonsai", "strawberry", "sunflower", "pizza"})
SYNTHETIC_EACH = 40


@dataclass(frozen=True)
class Answers:
    """What the graph said of N pictures: logits [N,C] and unknown_score [N]."""

    logits: NDArray[np.floating]
    unknown_score: NDArray[np.floating]

    def of(self, chosen: NDArray[np.bool_]) -> Answers:
        """The answers for the chosen pictures only."""
        return Answers(self.logits[chosen], self.unknown_score[chosen])


def ask(session: InferenceSession, pictures: Sequence[Pixels]) -> Answers:
    """Run the graph on pictures, each uint8 [H,W,3] RGB of any size."""
    side = session.get_inputs()[0].shape[2]
    logits, scores = [], []
    for start in range(0, len(pictures), 16):
        squares = [
            np.asarray(cover_and_crop(Image.fromarray(picture), side)) for picture in pictures[start : start + 16]
        ]
        batch = np.stack(squares).transpose(0, 3, 1, 2).astype(np.float32) / 255
        ours, score = session.run(["logits", "unknown_score"], {"input": batch})
        logits.append(ours)
        scores.append(score)
    return Answers(np.concatenate(logits), np.concatenate(scores))


def _share(flags: NDArray[np.bool_]) -> dict[str, Any]:
    count = int(flags.sum())
    return {"count": count, "of": len(flags), "interval": wilson(count, len(flags))}


def _verdicts(answers: Answers, calibration: Calibration) -> dict[str, NDArray[np.bool_]]:
    probability = softmax(answers.logits / calibration.temperature).max(1)
    unknown = answers.unknown_score > calibration.unknown
    return {
        "unknown": unknown,
        "low": unknown | (probability < calibration.medium),
        "medium": ~unknown & (probability >= calibration.medium) & (probability < calibration.high),
        "high": ~unknown & (probability >= calibration.high),
    }


def _classes(ids: Sequence[str], predicted: NDArray[np.integer], labels: NDArray[np.integer]) -> dict[str, Any]:
    table, f1 = [], []
    for place, class_id in enumerate(ids):
        hits = int(((predicted == place) & (labels == place)).sum())
        f1.append(2 * hits / max(1, int((predicted == place).sum() + (labels == place).sum())))
        table.append({"class_id": class_id, "f1": f1[-1], "recall": _share(predicted[labels == place] == place)})
    return {"macro_f1": float(np.mean(f1)), "classes": table}


def _calibration(clean: Answers, changed: Sequence[Answers], labels: NDArray[np.integer]) -> Calibration:
    """Temperature from the photographs as they are, thresholds from them under every condition."""
    return calibrate(
        fit_temperature(clean.logits, labels),
        np.concatenate([answers.logits for answers in changed]),
        np.concatenate([answers.unknown_score for answers in changed]),
        np.tile(labels, len(changed)),
    )


def _crossed(
    answers: Answers, changed: Sequence[Answers], labels: NDArray[np.integer], halves: NDArray[np.integer]
) -> dict[str, Any]:
    """Calibration fitted on one half of the leaves and judged on the other, both ways round."""
    probability, right = np.zeros(len(labels)), answers.logits.argmax(1) == labels
    flags = {name: np.zeros(len(labels), bool) for name in ("unknown", "low", "medium", "high")}
    for half in (0, 1):
        fit, judge = halves != half, halves == half
        calibration = _calibration(answers.of(fit), [one.of(fit) for one in changed], labels[fit])
        probability[judge] = softmax(answers.logits[judge] / calibration.temperature).max(1)
        found = _verdicts(answers.of(judge), calibration)
        for name, values in found.items():
            flags[name][judge] = values
    return {
        "expected_calibration_error": expected_calibration_error(probability, right),
        "called_unknown": _share(flags["unknown"]),
        "called_low": _share(flags["low"]),
        "high_right": _share(right[flags["high"]]),
        "medium_right": _share(right[flags["medium"]]),
    }


def _foreign_leaves(data: Path, grounds: Pixels, random: np.random.Generator) -> list[Pixels]:
    """Held-out leaves of another crop, laid on grounds of held-out photographs."""
    paths = [p.path for p in list_photographs(data / "other-leaves") if p.folder in HELD_OUT_OTHER_LEAVES]
    laid = []
    for pixels in load_squares(paths, STORED_SIDE):
        mask = leaf_on_black(pixels)
        if mask is not None:
            cover = (mask[..., None] / 255).astype(np.float32)
            ground = grounds[int(random.integers(len(grounds)))]
            laid.append((pixels * cover + ground * (1 - cover)).astype(np.uint8))
    return laid


def _foreign_sets(data: Path, leaves: Pixels, seed: int) -> dict[str, Sequence[Pixels]]:
    random = np.random.default_rng(seed)
    things = [p for p in list_photographs(data / "others") if p.folder in HELD_OUT_CATEGORIES]
    squares = load_squares([p.path for p in things], STORED_SIDE)
    plants = np.array([p.folder in PLANTS_AND_FOOD for p in things])
    grounds = [
        ground
        for pixels in leaves[::4]
        if (mask := leaf_on_plain_ground(pixels)) is not None
        and (ground := ground_without_leaf(pixels, mask, random)) is not None
    ]
    sets: dict[str, Sequence[Pixels]] = {
        "things and animals, categories never trained on": squares[~plants],
        "plants and food, categories never trained on": squares[plants],
        "apple leaves, a class never trained on (others of apple were)": _foreign_leaves(
            data, np.stack(grounds), random
        ),
        "bare grounds of held-out photographs": grounds,
    }
    for name, maker in synthetic.HELD_OUT.items():
        pictures = synthetic.make_pictures({name: maker}, SYNTHETIC_EACH, STORED_SIDE, seed)
        sets[f"made: {name}, a kind never trained on"] = pictures
    # Another seed than in training: new pictures of the kinds that were trained on.
    for name, maker in synthetic.TRAINED.items():
        sets[f"made: {name}"] = synthetic.make_pictures({name: maker}, SYNTHETIC_EACH, STORED_SIDE, seed + 1)
    return sets


def _changed(session: InferenceSession, leaves: Pixels, condition: Condition, seed: int) -> Answers:
    random = np.random.default_rng(seed)
    return ask(session, [condition(pixels, random) for pixels in leaves])


def evaluate(
    file: Path, data: Path, held_out: Sequence[Photograph], halves: Sequence[int], seed: int
) -> dict[str, Any]:
    """All figures of the graph `file`: on `held_out` leaves and on foreign pictures never trained on.

    `halves` (0 or 1 per photograph, leaf-disjoint) are for judging calibration on other leaves than it
    was fitted on. The calibration returned is fitted on all of them.
    """
    session = open_graph(file, threads=2)
    ids = class_ids(list_photographs(data / "leaves"))
    labels = np.array([ids.index(photograph.folder) for photograph in held_out])
    leaves = load_squares([photograph.path for photograph in held_out], STORED_SIDE)
    answers = ask(session, leaves)
    phones = {name: _changed(session, leaves, condition, seed) for name, condition in CONDITIONS.items()}
    calibration = _calibration(answers, list(phones.values()), labels)
    scenes = load_squares(
        [p.path for p in list_photographs(data / "others") if p.folder in HELD_OUT_CATEGORIES], STORED_SIDE
    )
    under: dict[str, Any] = {}
    # Too far from any real photograph to set a threshold by.
    composite = {"on a real background": _changed(session, leaves, on_scene(scenes), seed)}
    for name, changed in {**phones, **composite}.items():
        flags = _verdicts(changed, calibration)
        under[name] = {
            "right": _share(changed.logits.argmax(1) == labels),
            "called_unknown": _share(flags["unknown"]),
            "called_low": _share(flags["low"]),
        }
    foreign = {}
    for name, pictures in _foreign_sets(data, leaves, seed).items():
        flags = _verdicts(ask(session, pictures), calibration)
        foreign[name] = {"called_unknown": _share(flags["unknown"]), "called_low": _share(flags["low"])}
    predicted = answers.logits.argmax(1)
    return {
        "leaves": {"photographs": len(held_out), "leaves": len({p.leaf for p in held_out})},
        "right": _share(predicted == labels),
        **_classes(ids, predicted, labels),
        "calibration": asdict(calibration),
        "crossed": _crossed(answers, list(phones.values()), labels, np.asarray(halves)),
        "conditions": under,
        "foreign": foreign,
    }
