"""How much is made and measured: all of it, or next to nothing to see that everything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .dataset import Photograph


@dataclass(frozen=True)
class Size:
    """Counts of pictures and rounds; `quick` has the recipes shortened as well."""

    photographs_each: int | None = None
    grounds: int = 700
    invented: int = 1000
    made_for_training: int = 80
    made_for_evaluation: int = 40
    timing_rounds: int = 300
    quick: bool = False

    def of_each_class(self, photographs: Sequence[Photograph]) -> list[Photograph]:
        """The first photographs of each class, up to `photographs_each`."""
        taken: Counter[str] = Counter()
        chosen = []
        for photograph in photographs:
            taken[photograph.folder] += 1
            if self.photographs_each is None or taken[photograph.folder] <= self.photographs_each:
                chosen.append(photograph)
        return chosen


FULL = Size()
QUICK = Size(
    photographs_each=10,
    grounds=8,
    invented=8,
    made_for_training=2,
    made_for_evaluation=1,
    timing_rounds=3,
    quick=True,
)
