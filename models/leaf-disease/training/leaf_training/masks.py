"""Finds the leaf in a photograph, so that it can be laid on another ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Pixels = NDArray[np.uint8]

# A mask outside these shares of the picture is a failed one: the photograph is then not cut out.
SMALLEST_SHARE = 0.06
LARGEST_SHARE = 0.88


def _otsu(values: NDArray[np.float32]) -> float:
    """Threshold that best parts `values` (any shape) into two groups."""
    counts, edges = np.histogram(values, bins=128)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    spread = below * above * (sums / np.maximum(below, 1) - (sums[-1] - sums) / np.maximum(above, 1)) ** 2
    return float(middles[int(np.argmax(spread))])


def _largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    parts, count = ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return parts == int(sizes.argmax())


def leaf_on_plain_ground(pixels: Pixels) -> Pixels | None:
    """Mask (uint8 [H,W], 0 or 255) of a leaf on grey or violet ground, or None if it is not found.

    `pixels` is uint8 [H,W,3] RGB. Leaves are green, yellow or brown, the ground and the shadow on
    it grey to violet: yellowness ((R+G)/2 - B) and greenness (G - R) part them where brightness does not.
    """
    smooth = ndimage.gaussian_filter(pixels.astype(np.float32), (1.5, 1.5, 0))
    red, green, blue = smooth[..., 0], smooth[..., 1], smooth[..., 2]
    # Divided by brightness, or the shaded side of a leaf would count as ground.
    light = smooth.mean(2) + 24
    colour = (0.5 * (red + green) - blue) / light + 0.8 * np.maximum(green - red, 0) / light
    ground = float(np.median(np.concatenate((colour[0], colour[-1], colour[:, 0], colour[:, -1]))))
    # Nearer to the ground's colour than halfway: a brown lesion at the rim is what the class is about.
    mask = colour > ground + 0.7 * (_otsu(colour) - ground)
    mask = _largest_part(ndimage.binary_opening(mask, iterations=2))
    mask = ndimage.binary_closing(np.pad(mask, 8), iterations=8)[8:-8, 8:-8]
    mask = ndimage.binary_fill_holes(mask)
    share = float(mask.mean())
    if not SMALLEST_SHARE < share < LARGEST_SHARE:
        return None
    return mask.astype(np.uint8) * 255


def leaf_on_black(pixels: Pixels) -> Pixels | None:
    """Mask (uint8 [H,W], 0 or 255) of a leaf already cut out on black, or None if it is not found."""
    mask = pixels.max(2) > 24
    mask = ndimage.binary_opening(mask, iterations=1)
    mask = ndimage.binary_fill_holes(_largest_part(mask))
    # The cut-outs carry a dark rim that would give them away on another ground.
    mask = ndimage.binary_erosion(mask, iterations=2)
    share = float(mask.mean())
    if not SMALLEST_SHARE < share < LARGEST_SHARE:
        return None
    return mask.astype(np.uint8) * 255
