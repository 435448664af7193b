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

# Kept out of training altogether, so that the score for foreign pictures is measured on kinds of
# things it never saw. Plants and food are among them on purpose: they are the hard ones.
HELD_OUT_CATEGORIES = frozenset(
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
