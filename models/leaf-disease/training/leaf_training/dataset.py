"""The photographs: where they are, which leaf they show, and which part of a split they fall in."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .masks import Pixels

# Kept out of training altogether where the first part is held out; each other part keeps out its share
# of the rest. Plants and food are among them on purpose: they are the hard ones.
FIRST_HELD_OUT_CATEGORIES = frozenset(
    "Leopards bonsai butterfly ceiling_fan cellphone chair crab cup dollar_bill dragonfly elephant ferry "
    "grand_piano laptop menorah pizza stegosaurus strawberry sunflower watch".split()
)
HELD_OUT_OTHER_LEAVES = frozenset({"apple_cedar_apple_rust"})


@dataclass(frozen=True)
class Photograph:
    """One file, the folder it lies in, and the leaf it shows (files of one leaf are copies of it)."""

    path: Path
    folder: str
    leaf: str


@dataclass(frozen=True)
class HeldOut:
    """What a training never sees, so that the score for foreign pictures is measured on unseen kinds.

    Folders of `others` and `other-leaves`, and what the latter are called in the card.
    """

    categories: frozenset[str]
    other_leaves: frozenset[str]
    other_leaves_name: str


NOTHING_HELD_OUT = HeldOut(frozenset(), frozenset(), "")


def held_out_from(data: Path, folds: int, fold: int, unseen_crop: str | None = None) -> HeldOut:
    """What a training that holds out `fold` of `folds` must not see, and all leaves of `unseen_crop`."""
    names = {photograph.folder for photograph in list_photographs(data / "others")}
    first = names & FIRST_HELD_OUT_CATEGORIES
    rest = sorted(names - first)
    categories = first if fold == 0 else rest[fold - 1 :: folds - 1]
    if unseen_crop is None:
        name = "apple leaves, a class never trained on (others of apple were)"
        return HeldOut(frozenset(categories), HELD_OUT_OTHER_LEAVES, name)
    crop = {p.folder for p in list_photographs(data / "other-leaves") if p.folder.startswith(f"{unseen_crop}_")}
    if not crop:
        raise ValueError(f"no leaves of {unseen_crop} among the other leaves")
    return HeldOut(frozenset(categories), frozenset(crop), f"{unseen_crop} leaves, a crop never trained on")


def list_photographs(root: Path) -> list[Photograph]:
    """All photographs in the class folders under `root`, sorted by folder and name."""
    found = [Photograph(path, path.parent.name, path.stem.rsplit("_", 1)[0]) for path in root.glob("*/*.jpg")]
    if not found:
        raise FileNotFoundError(f"no photographs under {root}")
    return sorted(found, key=lambda photograph: (photograph.folder, photograph.path.name))


def class_ids(photographs: Sequence[Photograph]) -> list[str]:
    """The class names in the order of the network's outputs: sorted folder names."""
    return sorted({photograph.folder for photograph in photographs})


def assign_folds(photographs: Sequence[Photograph], folds: int, seed: int) -> list[int]:
    """A fold number 0..folds-1 for each photograph.

    All photographs of a leaf get the same fold; each class is dealt out evenly over the folds.
    """
    leaves: dict[str, set[str]] = defaultdict(set)
    for photograph in photographs:
        leaves[photograph.folder].add(photograph.leaf)
    fold_of: dict[str, int] = {}
    for folder in sorted(leaves):
        names = sorted(leaves[folder] - fold_of.keys())
        random.Random(f"{seed}:{folder}").shuffle(names)
        fold_of.update({name: place % folds for place, name in enumerate(names)})
    return [fold_of[photograph.leaf] for photograph in photographs]


def cover_and_crop(picture: Image.Image, side: int) -> Image.Image:
    """Resize to cover a square of `side` pixels and cut its centre, in one antialiased bilinear step.

    This is what the server does at inference ("resize": cover, crop 1, bilinear).
    """
    picture = picture.convert("RGB")
    edge = min(picture.size)
    left, top = (picture.width - edge) / 2, (picture.height - edge) / 2
    return picture.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, left + edge, top + edge))


def load_squares(paths: Sequence[Path], side: int) -> Pixels:
    """The photographs as uint8 [N,side,side,3] RGB."""
    squares = np.empty((len(paths), side, side, 3), np.uint8)
    for place, path in enumerate(paths):
        with Image.open(path) as picture:
            squares[place] = np.asarray(cover_and_crop(picture, side))
    return squares
