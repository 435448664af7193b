"""How far a figure may be off by chance: 95% intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .calibrate import Integers

# Which leaf each photograph shows: [N].
Subjects = NDArray[np.str_]

ROUNDS = 1000


def wilson(count: float, of: int) -> tuple[float, float]:
    """95% Wilson interval of a share."""
    if of == 0:
        return (0.0, 1.0)
    z, share = 1.96, count / of
    centre = (share + z * z / (2 * of)) / (1 + z * z / of)
    reach = z / (1 + z * z / of) * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (float(max(0.0, centre - reach)), float(min(1.0, centre + reach)))


def interval_of(count: int, of: int, different: int) -> tuple[float, float]:
    """95% interval of the share `count` of `of`, as wide as `different` pictures make it: copies tell nothing new."""
    return wilson(count * different / max(1, of), different)


def bootstrapped(figure: Callable[[Integers], float], subjects: Subjects) -> tuple[float, float]:
    """95% interval of a figure that is no share (Efron 1979): of leaves drawn anew from those at hand.

    `figure` is given the places of photographs, some of them several times. Always draws the same.
    """
    random = np.random.default_rng(0)
    _, leaf_of = np.unique(subjects, return_inverse=True)
    order = np.argsort(leaf_of, kind="stable")
    photographs = np.split(order, np.cumsum(np.bincount(leaf_of))[:-1])
    found = []
    for _ in range(ROUNDS):
        drawn = random.integers(len(photographs), size=len(photographs))
        found.append(figure(np.concatenate([photographs[leaf] for leaf in drawn])))
    low, high = np.quantile(found, (0.025, 0.975))
    return (float(low), float(high))
