"""What a network is shown, step by step: batches, and what a teacher says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .batches import BatchMaker
from .network import LeafNetwork


@dataclass(frozen=True)
class Lesson:
    """A batch: pictures float32 [N,3,S,S] in 0..1, labels int64 [N] (-1: foreign).

    With a teacher also its `logits` [N,C] and `unknown_logit` [N].
    """

    pictures: Tensor
    labels: Tensor
    logits: Tensor | None = None
    unknown_logit: Tensor | None = None

    def turned(self) -> Lesson:
        """The same pictures, turned by a right angle or mirrored: a leaf lies any way round."""
        way = int(torch.randint(8, ()))
        pictures = torch.rot90(self.pictures, way % 4, (2, 3))
        return Lesson(pictures.flip(3) if way >= 4 else pictures, self.labels, self.logits, self.unknown_logit)


class Teacher:
    """A larger network, trained before on the same photographs."""

    def __init__(self, network: LeafNetwork, side: int, device: str = "cpu") -> None:
        self.network = network.eval().to(memory_format=torch.channels_last).to(device)
        self.side = side

    @torch.no_grad()
    def explain(self, pictures: Tensor, labels: Tensor) -> Lesson:
        """What it says of a batch."""
        seen = pictures
        if pictures.shape[-1] != self.side:
            seen = F.interpolate(pictures, (self.side, self.side), mode="bilinear", antialias=True)
        logits, unknown_logit, _ = self.network(seen.contiguous(memory_format=torch.channels_last))
        return Lesson(pictures, labels, logits, unknown_logit)


def lessons(batches: BatchMaker, steps: int, uses: int, teacher: Teacher | None) -> Iterator[Lesson]:
    """`steps` lessons, each batch drawn used `uses` times: drawing and teaching cost as much as learning.

    A batch comes back turned, and only after all others.
    """
    drawn: list[Lesson] = []
    fresh = -(-steps // uses)
    for step in range(steps):
        if step < fresh:
            pictures, labels = batches.draw()
            lesson = Lesson(pictures, labels) if teacher is None else teacher.explain(pictures, labels)
            if uses > 1:
                drawn.append(lesson)
            yield lesson
            continue
        if step % fresh == 0:
            order = torch.randperm(fresh).tolist()
        yield drawn[order[step % fresh]].turned()
