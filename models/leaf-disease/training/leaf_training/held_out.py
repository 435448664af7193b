"""`python -m leaf_training.held_out FOLDER`: links to the photographs of the held-out part, a folder for each class.

What a network that was trained without them is measured and optimised with, where figures are to mean anything; one
of `--all-leaves` was trained on them. Categories of other things
that were held out lie beside the classes, in folders of their own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .dataset import assign_folds, held_out_from, list_photographs
from .train import Recipe

REPOSITORY = Path(__file__).resolve().parents[4]


def held_out(data: Path, folds: int, fold: int) -> list[Path]:
    """The leaves of one part of the split, and all photographs of the held-out categories."""
    photographs = list_photographs(data / "leaves")
    parts = assign_folds(photographs, folds, Recipe().seed)
    leaves = [photograph.path for photograph, part in zip(photographs, parts, strict=True) if part == fold]
    categories = sorted(held_out_from(data, folds, fold).categories)
    others = [path for name in categories for path in sorted((data / "others" / name).glob("*.jpg"))]
    return leaves + others


def main() -> None:
    """Make the links."""
    parser = argparse.ArgumentParser(prog="python -m leaf_training.held_out", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the links go")
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--fold", type=int, default=0)
    options = parser.parse_args()
    for path in held_out(options.data, options.folds, options.fold):
        link = options.folder / path.parent.name / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())


if __name__ == "__main__":
    main()
