"""Everything that a network is trained on, in memory, and the batches drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import augment, synthetic
from .dataset import (
    HeldOut,
    Photograph,
    class_ids,
    list_photographs,
    load_squares,
)
from .grounds import ground_without_leaf
from .invented_leaves import invented_leaf
from .masks import Pixels, leaf_on_black, leaf_on_plain_ground
from .size import Size

STORED_SIDE = 256
FOREIGN = -1

# What a batch of 64 is made of.
WHOLE_LEAVES, LEAVES_ON_GROUNDS, LEAVES_ON_SCENES = 31, 8, 5
SCENES, SYNTHETIC, FOREIGN_LEAVES, FOREIGN_LEAVES_ON_SCENES, BARE_GROUNDS = 5, 2, 11, 1, 1
BATCH = 64
# Share of whole leaf photographs that is only resized: what the network is given at inference.
PLAIN_SHARE = 0.2


@dataclass
class Cutouts:
    """Leaves with their masks: uint8 [N,256,256,3] and [N,256,256]."""

    pixels: Tensor
    masks: Tensor


@dataclass
class TrainingSet:
    """All pictures as uint8 [N,256,256,3]; `labels` int64 [N] belong to `leaves`."""

    leaves: Tensor
    masks: Tensor
    labels: Tensor
    cuttable: Tensor
    foreign_leaves: Cutouts
    invented: Cutouts
    scenes: Tensor
    synthetic: Tensor
    grounds: Tensor


def _cutouts(pixels: Pixels, find: Callable[[Pixels], Pixels | None]) -> Cutouts:
    found = [(picture, mask) for picture in pixels if (mask := find(picture)) is not None]
    return Cutouts(
        torch.from_numpy(np.stack([picture for picture, _ in found])),
        torch.from_numpy(np.stack([mask for _, mask in found])),
    )


def _photographs(data: Path, held_out: frozenset[str]) -> Pixels:
    return load_squares([p.path for p in list_photographs(data) if p.folder not in held_out], STORED_SIDE)


def build_training_set(
    data: Path, photographs: Sequence[Photograph], held_out: HeldOut, size: Size, seed: int
) -> TrainingSet:
    """Load the given leaf photographs and what of the foreign pictures under `data` is not held out."""
    random = np.random.default_rng(seed)
    # Of all leaves, not of the chosen ones: a class index never depends on the split.
    ids = class_ids(list_photographs(data / "leaves"))
    leaves = load_squares([photograph.path for photograph in photographs], STORED_SIDE)
    masks = [leaf_on_plain_ground(picture) for picture in leaves]
    cuttable = [place for place, mask in enumerate(masks) if mask is not None]
    grounds = []
    for place in random.permutation(cuttable)[: size.grounds]:
        ground = ground_without_leaf(leaves[place], masks[place], random)
        if ground is not None:
            grounds.append(ground)
    scenes = _photographs(data / "others", held_out.categories)
    foreign = _photographs(data / "other-leaves", held_out.other_leaves)
    # What invented leaves are filled with: the veins of real ones, from the middle of the blade, and scenes.
    middles = foreign[:, 64:192, 64:192].repeat(2, 1).repeat(2, 2)
    textures = np.concatenate((middles, scenes[: max(200, len(middles))]))
    invented = [invented_leaf(random, STORED_SIDE, textures) for _ in range(size.invented)]
    empty = np.zeros((STORED_SIDE, STORED_SIDE), np.uint8)
    drawn = Cutouts(
        torch.from_numpy(np.stack([picture for picture, _ in invented])),
        torch.from_numpy(np.stack([mask for _, mask in invented])),
    )
    return TrainingSet(
        leaves=torch.from_numpy(leaves),
        masks=torch.from_numpy(np.stack([empty if mask is None else mask for mask in masks])),
        labels=torch.tensor([ids.index(photograph.folder) for photograph in photographs]),
        cuttable=torch.tensor(cuttable),
        # Where no other crop may be seen, only drawn leaves stand for them.
        foreign_leaves=_cutouts(foreign, leaf_on_black) if len(foreign) else drawn,
        invented=drawn,
        scenes=torch.from_numpy(scenes),
        synthetic=torch.from_numpy(
            synthetic.make_pictures(synthetic.TRAINED, size.made_for_training, STORED_SIDE, seed)
        ),
        grounds=torch.from_numpy(np.stack(grounds)),
    )


def as_float(pixels: Tensor) -> Tensor:
    """uint8 [N,H,W,3] to float32 [N,3,H,W] in 0..1."""
    return pixels.permute(0, 3, 1, 2).float().div_(255)


class BatchMaker:
    """Draws augmented batches: pictures float32 [64,3,S,S] in 0..1, labels int64 [64] (-1: foreign).

    They are made on the CPU and given on `device`.
    """

    def __init__(self, training: TrainingSet, side: int, device: str = "cpu") -> None:
        self.training = training
        self.side = side
        self.device = device
        counts = torch.bincount(training.labels).float()
        # Between the folder sizes as they are and all classes alike.
        self.weights = counts[training.labels] ** -0.6
        self.cut_weights = self.weights[training.cuttable]

    def draw(self) -> tuple[Tensor, Tensor]:
        """The next batch."""
        known = torch.multinomial(self.weights, WHOLE_LEAVES)
        cut = self.training.cuttable[torch.multinomial(self.cut_weights, LEAVES_ON_GROUNDS + LEAVES_ON_SCENES)]
        # Leaves, ours and foreign, go over the same grounds by the same steps: neither the ground nor
        # the seam tells which is which.
        leaves = torch.cat((self._whole(known), self._laid_leaves(cut)))
        foreign = torch.cat((self._foreign_leaves(), self._foreign_scenes()))
        pictures = torch.cat((leaves, foreign))
        foreign_cuts = FOREIGN_LEAVES + FOREIGN_LEAVES_ON_SCENES
        hue = torch.full((len(pictures),), 9.0)
        hue[len(leaves) : len(leaves) + foreign_cuts] = 24.0
        pictures = augment.colour(pictures, hue)
        pictures = augment.fingers(pictures, 0.06)
        pictures = augment.blur(pictures, 0.25)
        pictures = augment.sensor_noise(pictures, 0.3)
        pictures = augment.jpeg(pictures, 0.2)
        plain = int(PLAIN_SHARE * WHOLE_LEAVES)
        pictures[:plain] = self._resized(self.training.leaves[known[:plain]])
        labels = torch.cat(
            (self.training.labels[known], self.training.labels[cut], torch.full((len(foreign),), FOREIGN))
        )
        return pictures.to(self.device), labels.to(self.device)

    def _resized(self, pixels: Tensor) -> Tensor:
        size = (self.side, self.side)
        return F.interpolate(as_float(pixels), size, mode="bilinear", antialias=True)

    def _whole(self, places: Tensor) -> Tensor:
        grid = augment.draw_grid(len(places), self.side, augment.WHOLE_LEAF)
        return augment.move(as_float(self.training.leaves[places]), grid)

    def _pick(self, pixels: Tensor, n: int) -> Tensor:
        return as_float(pixels[torch.randint(len(pixels), (n,))])

    def _scenes(self, pixels: Tensor, n: int) -> Tensor:
        return augment.move(self._pick(pixels, n), augment.draw_grid(n, self.side, augment.SCENE))

    def _laid(self, pixels: Tensor, masks: Tensor, ground: Tensor, geometry: augment.Geometry) -> Tensor:
        grid = augment.draw_grid(len(pixels), self.side, geometry)
        cut = F.grid_sample(as_float(pixels), grid, padding_mode="border", align_corners=False)
        mask = F.grid_sample(masks.unsqueeze(1).float() / 255, grid, align_corners=False)
        return augment.lay(cut, mask, ground)

    def _grounds(self, plain: int, scenes: int) -> Tensor:
        return torch.cat((self._scenes(self.training.grounds, plain), self._scenes(self.training.scenes, scenes)))

    def _laid_leaves(self, places: Tensor) -> Tensor:
        ground = self._grounds(LEAVES_ON_GROUNDS, LEAVES_ON_SCENES)
        pixels, masks = self.training.leaves[places], self.training.masks[places]
        return self._laid(pixels, masks, ground, augment.CUT_LEAF)

    def _foreign_leaves(self) -> Tensor:
        n = FOREIGN_LEAVES + FOREIGN_LEAVES_ON_SCENES
        real, invented = self.training.foreign_leaves, self.training.invented
        first = torch.randint(len(real.pixels), (n - n // 3,))
        second = torch.randint(len(invented.pixels), (n // 3,))
        ground = self._grounds(FOREIGN_LEAVES, FOREIGN_LEAVES_ON_SCENES)
        order = torch.randperm(n)
        pixels = torch.cat((real.pixels[first], invented.pixels[second]))[order]
        masks = torch.cat((real.masks[first], invented.masks[second]))[order]
        return self._laid(pixels, masks, ground, augment.FOREIGN_LEAF)

    def _foreign_scenes(self) -> Tensor:
        return torch.cat(
            (
                self._scenes(self.training.scenes, SCENES),
                self._scenes(self.training.synthetic, SYNTHETIC),
                self._scenes(self.training.grounds, BARE_GROUNDS),
            )
        )
