"""Leaves of no real plant, cut out: with the leaves of another crop they stand for all other crops.

There are photographs of one other crop only. Outline, veins, colour and marks are drawn anew here so
that the score for foreign pictures learns "not this leaf" and not "this one other plant".
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from .masks import Pixels
from .synthetic import _bytes, _cloud, _green


def _outline(random: np.random.Generator, side: int) -> list[tuple[float, float]]:
    """A closed outline around the centre: oval, lance, heart, hand or saw-edged, in pixels."""
    lobes = int(random.choice([1, 3, 5, 7]))
    depth = random.uniform(0.0, 0.5) if lobes > 1 else 0.0
    teeth, bite = int(random.integers(20, 90)), random.uniform(0, 0.05)
    narrow = random.uniform(0.18, 1.0)
    tip = random.uniform(0.8, 1.6)
    size = side * random.uniform(0.3, 0.46)
    turn = random.uniform(0, 2 * math.pi)
    points = []
    for step in range(240):
        angle = 2 * math.pi * step / 240
        radius = 1 - depth * (0.5 - 0.5 * math.cos(lobes * angle))
        radius *= 1 + bite * ((teeth * step / 240) % 1)
        along = math.copysign(abs(math.cos(angle)) ** tip, math.cos(angle)) * radius
        across = math.sin(angle) * radius * narrow * (1 - 0.3 * math.cos(angle))
        points.append(
            (
                side / 2 + size * (along * math.cos(turn) - across * math.sin(turn)),
                side / 2 + size * (along * math.sin(turn) + across * math.cos(turn)),
            )
        )
    return points


def invented_leaf(random: np.random.Generator, side: int, textures: Pixels) -> tuple[Pixels, Pixels]:
    """A cut-out leaf: colours uint8 [side,side,3] and mask uint8 [side,side].

    `textures`, uint8 [K,side,side,3], are photographs whose brightness lends the blade its grain.
    """
    drawn = Image.new("L", (side, side))
    ImageDraw.Draw(drawn).polygon(_outline(random, side), fill=255)
    mask = np.asarray(drawn)
    if random.random() < 0.5:
        texture = textures[int(random.integers(len(textures)))].astype(np.float32).mean(2)
        grain = (texture - texture.mean()) / (texture.std() + 1e-3)
    else:
        grain = _cloud(random, side, random.uniform(0.7, 1.6))
    veins = Image.new("L", (side, side))
    draw = ImageDraw.Draw(veins)
    turn, middle = random.uniform(0, 2 * math.pi), side / 2
    for offset in range(-side, side, int(random.uniform(12, 40))):
        for lean in (0.9, -0.9):
            x, y = middle + offset * math.cos(turn), middle + offset * math.sin(turn)
            end = (x + side * math.cos(turn + lean), y + side * math.sin(turn + lean))
            draw.line((x, y, *end), fill=140, width=1)
    ends = [middle + sign * side * f(turn) for sign in (-1, 1) for f in (math.cos, math.sin)]
    draw.line(ends, fill=255, width=int(random.integers(1, 5)))
    vein = np.asarray(veins.filter(ImageFilter.GaussianBlur(1)), np.float32) / 255
    first, second = _green(random), _green(random)
    blend = 0.5 + 0.5 * np.tanh(_cloud(random, side, 1.7))
    values = first + blend[..., None] * random.uniform(0, 0.7) * (second - first)
    values = values * (1 + random.uniform(0.05, 0.25) * np.clip(grain, -2.5, 2.5))[..., None]
    values = values + random.uniform(-30, 45) * vein[..., None]
    if random.random() < 0.6:
        # Spots, blotches or mildew: a sick leaf of another crop is still of another crop.
        cover = ndimage.gaussian_filter(random.normal(size=(side, side)), random.uniform(2, 9))
        cover = np.clip((cover / cover.std() - random.uniform(1.0, 2.4)) * 4, 0, 1)[..., None]
        mark = np.array([random.uniform(70, 235), random.uniform(40, 215), random.uniform(15, 190)])
        values = values * (1 - cover) + mark * cover
    return _bytes(values), mask
