"""The pictures that a model is measured on, as files that the server's own evaluation reads."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from . import synthetic
from .conditions import CONDITIONS, JPEG_QUALITY, ON_SCENE, Condition, on_scene
from .dataset import HeldOut, Photograph, list_photographs, load_squares
from .grounds import ground_without_leaf
from .masks import Pixels, leaf_on_black, leaf_on_plain_ground

STORED_SIDE = 256
PLANTS_AND_FOOD = frozenset("bonsai joshua_tree lotus pizza strawberry sunflower water_lilly".split())
# Not the name of a class: the server's evaluation counts what lies in such a folder as unknown.
FOREIGN_FOLDER = "foreign"
AS_PHOTOGRAPHED = "as photographed"


@dataclass(frozen=True)
class PictureSets:
    """Names of the sets under a directory: leaves under a condition, and pictures of something else.

    A set's folder is its place in `names`; in it one folder a class, in that one file a picture, called
    by its place in the set.
    """

    leaves: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All sets, in the order of their folders."""
        return self.leaves + self.foreign


@dataclass(frozen=True)
class Exam:
    """What a model is measured on: held-out `leaves`, and the foreign pictures that are held out.

    `made` is how many of each kind are drawn, from `seed`.
    """

    leaves: Sequence[Photograph]
    held_out: HeldOut
    made: int
    seed: int


class _Writer:
    """Writes one set after the other; pixels without loss unless a JPEG quality is given."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sets = 0

    def write(
        self, folders: Sequence[str], pictures: Sequence[Pixels] | Sequence[Path], quality: int | None = None
    ) -> None:
        for place, (folder, picture) in enumerate(zip(folders, pictures, strict=True)):
            target = self.directory / f"{self.sets:02}" / folder
            target.mkdir(parents=True, exist_ok=True)
            if isinstance(picture, Path):
                shutil.copyfile(picture, target / f"{place:05}{picture.suffix}")
            elif quality is None:
                Image.fromarray(picture).save(target / f"{place:05}.png", compress_level=1)
            else:
                Image.fromarray(picture).save(target / f"{place:05}.jpg", quality=quality)
        self.sets += 1


def _foreign_leaves(paths: Sequence[Path], grounds: Pixels, random: np.random.Generator) -> list[Pixels]:
    """Leaves of another crop, laid on grounds of held-out photographs."""
    laid = []
    for pixels in load_squares(paths, STORED_SIDE):
        mask = leaf_on_black(pixels)
        if mask is not None:
            cover = (mask[..., None] / 255).astype(np.float32)
            ground = grounds[int(random.integers(len(grounds)))]
            laid.append((pixels * cover + ground * (1 - cover)).astype(np.uint8))
    return laid


def _foreign_sets(data: Path, exam: Exam, leaves: Pixels) -> dict[str, Sequence[Pixels] | Sequence[Path]]:
    held_out, made, seed = exam.held_out, exam.made, exam.seed
    random = np.random.default_rng(seed)
    things = [p for p in list_photographs(data / "others") if p.folder in held_out.categories]
    grounds = [
        ground
        for pixels in leaves[::4]
        if (mask := leaf_on_plain_ground(pixels)) is not None
        and (ground := ground_without_leaf(pixels, mask, random)) is not None
    ]
    others = [p.path for p in list_photographs(data / "other-leaves") if p.folder in held_out.other_leaves]
    sets: dict[str, Sequence[Pixels] | Sequence[Path]] = {
        "things and animals, categories never trained on": [p.path for p in things if p.folder not in PLANTS_AND_FOOD],
        "plants and food, categories never trained on": [p.path for p in things if p.folder in PLANTS_AND_FOOD],
        held_out.other_leaves_name: _foreign_leaves(others, np.stack(grounds), random),
        "bare grounds of held-out photographs": grounds,
    }
    for name, maker in synthetic.HELD_OUT.items():
        pictures = synthetic.make_pictures({name: maker}, made, STORED_SIDE, seed)
        sets[f"made: {name}, a kind never trained on"] = pictures
    # Another seed than in training: new pictures of the kinds that were trained on.
    for name, maker in synthetic.TRAINED.items():
        sets[f"made: {name}"] = synthetic.make_pictures({name: maker}, made, STORED_SIDE, seed + 1)
    return sets


def write_pictures(directory: Path, data: Path, exam: Exam) -> PictureSets:
    """Write all that a model is measured on: leaves under each condition, and what is no leaf of its.

    Photographs are copied byte for byte.
    """
    writer = _Writer(directory)
    folders = [photograph.folder for photograph in exam.leaves]
    squares = load_squares([photograph.path for photograph in exam.leaves], STORED_SIDE)
    scenes = load_squares(
        [p.path for p in list_photographs(data / "others") if p.folder in exam.held_out.categories], STORED_SIDE
    )
    conditions: dict[str, Condition] = {**CONDITIONS, ON_SCENE: on_scene(scenes)}
    writer.write(folders, [photograph.path for photograph in exam.leaves])
    for name, condition in conditions.items():
        random = np.random.default_rng(exam.seed)
        changed = [condition(pixels, random) for pixels in squares]
        writer.write(folders, changed, JPEG_QUALITY.get(name))
    foreign = {name: pictures for name, pictures in _foreign_sets(data, exam, squares).items() if len(pictures)}
    for pictures in foreign.values():
        writer.write([FOREIGN_FOLDER] * len(pictures), pictures)
    return PictureSets((AS_PHOTOGRAPHED, *conditions), tuple(foreign))


def write_leaves(directory: Path, leaves: Sequence[Photograph]) -> PictureSets:
    """Only the photographs of `leaves`, as they are."""
    writer = _Writer(directory)
    writer.write([photograph.folder for photograph in leaves], [photograph.path for photograph in leaves])
    return PictureSets((AS_PHOTOGRAPHED,), ())
