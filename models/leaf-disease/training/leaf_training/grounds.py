"""Grounds to lay cut-out leaves on: those of the photographs themselves, with the leaf taken out."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .masks import Pixels

# Of the leaf's surroundings, what must be bare ground for the rest to be filled in from it.
SMALLEST_BARE_SHARE = 0.25
LIGHT_SIGMA_PIXELS = 22


def ground_without_leaf(pixels: Pixels, mask: Pixels, random: np.random.Generator) -> Pixels | None:
    """The ground of a photograph (uint8 [H,W,3]) where its leaf (`mask`, uint8 [H,W]) was filled in.

    The light is continued from around the leaf, the grain taken from elsewhere on the same ground.
    None if too little bare ground shows. Every class lies on grounds of its own; exchanging them
    keeps the network from reading the ground instead of the leaf.
    """
    values = pixels.astype(np.float32)
    brightness = ndimage.gaussian_filter(values.mean(2), 2)
    bare = ~ndimage.binary_dilation(mask > 0, iterations=9)
    if bare.mean() < SMALLEST_BARE_SHARE:
        return None
    usual = np.median(brightness[bare])
    # Shadows and leftover leaf are no ground.
    bare &= (brightness > 0.75 * usual) & (brightness < 1.35 * usual)
    bare &= values[..., 1] < np.maximum(values[..., 0], values[..., 2]) + 12
    if bare.mean() < SMALLEST_BARE_SHARE:
        return None
    mean = values[bare].mean(0)
    share = ndimage.gaussian_filter(bare.astype(np.float32), LIGHT_SIGMA_PIXELS)
    light = np.empty_like(values)
    for channel in range(3):
        seen = ndimage.gaussian_filter(values[..., channel] * bare, LIGHT_SIGMA_PIXELS)
        light[..., channel] = (seen + 0.02 * mean[channel]) / (share + 0.02)
    grain = np.where(bare[..., None], np.clip(values - light, -30, 30), 0)
    filled = bare.copy()
    for _ in range(12):
        shift = (int(random.integers(256)), int(random.integers(256)))
        usable = np.roll(bare, shift, (0, 1)) & ~filled
        grain[usable] = np.roll(grain, shift, (0, 1))[usable]
        filled |= usable
    return np.clip(light + grain, 0, 255).astype(np.uint8)
