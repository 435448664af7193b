"""What is done to held-out leaves to see how the model stands it: each takes and gives uint8 [H,W,3]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from scipy import ndimage

from .masks import Pixels, leaf_on_plain_ground

Condition = Callable[[Pixels, np.random.Generator], Pixels]


def _rotated(degrees: float) -> Condition:
    def rotate(pixels: Pixels, _: np.random.Generator) -> Pixels:
        return ndimage.rotate(pixels, degrees, reshape=False, order=1, mode="nearest")

    return rotate


def _brightness(factor: float) -> Condition:
    def brighten(pixels: Pixels, _: np.random.Generator) -> Pixels:
        return np.asarray(ImageEnhance.Brightness(Image.fromarray(pixels)).enhance(factor))

    return brighten


def _blur(pixels: Pixels, _: np.random.Generator) -> Pixels:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1.5)))


def _off_centre(pixels: Pixels, random: np.random.Generator) -> Pixels:
    window = round(pixels.shape[0] * 0.8)
    top, left = random.choice([0, pixels.shape[0] - window], 2)
    return pixels[top : top + window, left : left + window]


def _hand(pixels: Pixels, random: np.random.Generator) -> Pixels:
    """Palm, fingers and nails over one rim: drawn otherwise than the fingers that training sees."""
    side = pixels.shape[0]
    unit = side / 256
    skin = np.array([232, 178, 148]) * random.uniform(0.35, 1.0)
    fill, nail = (*skin.astype(int), 255), (*np.minimum(255, skin * 1.12 + 8).astype(int), 255)
    layer = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(layer)
    middle, thick = random.uniform(0.25, 0.75) * side, 13 * unit
    draw.ellipse((middle - 68 * unit, side - 34 * unit, middle + 68 * unit, side + 110 * unit), fill=fill)
    for place in (-44, -8, 28):
        across = middle + place * unit
        x, y = across + random.uniform(-12, 12) * unit, side * (1 - random.uniform(0.24, 0.42))
        draw.line((across, side, x, y), fill=fill, width=round(2 * thick))
        draw.ellipse((x - thick, y - thick, x + thick, y + thick), fill=fill)
        draw.ellipse((x - 0.6 * thick, y - 0.8 * thick, x + 0.6 * thick, y + 0.3 * thick), fill=nail)
    hand = np.asarray(layer.rotate(90 * int(random.integers(4))).filter(ImageFilter.GaussianBlur(0.8)), np.float32)
    cover = hand[..., 3:] / 255
    grain = random.normal(0, 5, (side, side, 1))
    return np.clip(pixels * (1 - cover) + (hand[..., :3] + grain) * cover, 0, 255).astype(np.uint8)


def on_scene(scenes: Pixels) -> Condition:
    """Lay the leaf, cut from its plain ground, onto one of `scenes`, uint8 [K,H,W,3]."""

    def lay(pixels: Pixels, random: np.random.Generator) -> Pixels:
        mask = leaf_on_plain_ground(pixels)
        if mask is None:
            return pixels
        cover = ndimage.gaussian_filter(mask.astype(np.float32) / 255, 1)[..., None]
        scene = scenes[int(random.integers(len(scenes)))]
        return (pixels * cover + scene * (1 - cover)).astype(np.uint8)

    return lay


ON_SCENE = "on a real background"
# What is written as JPEG of that quality, so that the server's decoder reads it; all else without loss.
JPEG_QUALITY = {"JPEG quality 50": 50}
CONDITIONS: dict[str, Condition] = {
    "turned by 15 degrees": _rotated(15),
    "turned by 45 degrees": _rotated(45),
    "turned by 90 degrees": lambda pixels, _: np.rot90(pixels).copy(),
    "JPEG quality 50": lambda pixels, _: pixels,
    "brightness x 0.6": _brightness(0.6),
    "brightness x 1.4": _brightness(1.4),
    "blurred (sigma 1.5 pixels of 256)": _blur,
    "off-centre: a corner window of 80% of the side": _off_centre,
    "a drawn hand over one rim": _hand,
}
