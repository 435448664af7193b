"""From scores on held-out leaves to a temperature and the thresholds in the manifest."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]

HIGH_RIGHT, MEDIUM_RIGHT = 0.99, 0.90
# On a few hundred leaves the least sure answers may all be right by luck; an answer is still not
# called sure below these.
LOWEST_HIGH, LOWEST_MEDIUM = 0.80, 0.50
# Share of the answers that one step down in sureness looks at.
STEP_SHARE = 0.05
# The promise is 1.5% on leaves not seen here; aiming at a little less leaves room for chance.
LEAVES_CALLED_UNKNOWN = 0.012


@dataclass(frozen=True)
class Calibration:
    """`logits / temperature` go through softmax; the rest are thresholds on probability and score."""

    temperature: float
    high: float
    medium: float
    unknown: float

    def rounded(self) -> Calibration:
        """What the manifest holds: six digits."""
        return Calibration(**{name: round(value, 6) for name, value in asdict(self).items()})


def softmax(logits: Floats) -> Floats:
    """Probabilities [N,C] of logits [N,C]."""
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def fit_temperature(logits: Floats, labels: Integers) -> float:
    """The temperature with the lowest log loss on logits [N,C] and labels [N]."""
    rows = np.arange(len(labels))
    candidates = np.geomspace(0.2, 5, 400)
    losses = [-np.log(softmax(logits / t)[rows, labels] + 1e-12).mean() for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def lowest_threshold(probability: Floats, right: NDArray[np.bool_], share: float, floor: float) -> float:
    """The lowest threshold, not under `floor`, above which at least `share` of the answers are right."""
    order = np.argsort(-probability)
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.nonzero(precision >= share)[0]
    if len(enough) == 0:
        return 1.0
    return max(floor, float(probability[order][enough[-1]]))


def lowest_sure(probability: Floats, right: NDArray[np.bool_], share: float, floor: float) -> float:
    """How far down from the surest answer every step of answers is right in `share` of the cases.

    Stricter than `lowest_threshold`: the many very sure answers do not make up for those at the edge.
    """
    order = np.argsort(-probability)
    step = max(1, int(STEP_SHARE * len(order)))
    lowest = 1.0
    for start in range(0, len(order), step):
        within = order[start : start + step]
        if right[within].mean() < share:
            break
        lowest = float(probability[within[-1]])
    return max(floor, lowest)


def calibrate(temperature: float, logits: Floats, unknown_score: Floats, labels: Integers) -> Calibration:
    """Fit the thresholds on held-out leaves: logits [N,C], unknown_score [N], labels [N].

    Give the leaves as phones take them, too: of clean photographs alone too few are wrong to tell.
    """
    probabilities = softmax(logits / temperature)
    probability, right = probabilities.max(1), probabilities.argmax(1) == labels
    high = lowest_sure(probability, right, HIGH_RIGHT, LOWEST_HIGH)
    below = probability < high
    # MEDIUM must be right nine times in ten by itself, without the sure answers above it.
    medium = min(high, lowest_threshold(probability[below], right[below], MEDIUM_RIGHT, LOWEST_MEDIUM))
    # The score of the first leaf that may not be refused any more; the server refuses above it.
    allowed = int(LEAVES_CALLED_UNKNOWN * len(labels))
    unknown = float(np.sort(unknown_score)[-allowed - 1])
    return Calibration(temperature, high, medium, unknown)


def expected_calibration_error(probability: Floats, right: NDArray[np.bool_], bins: int = 15) -> float:
    """Mean gap between the probability given [N] and the share that was right, over equal-width bins."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [
        abs(probability[place == b].mean() - right[place == b].mean()) * (place == b).mean() for b in np.unique(place)
    ]
    return float(sum(gaps))
