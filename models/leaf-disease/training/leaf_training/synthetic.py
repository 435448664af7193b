"""Pictures that show nothing the model knows and that no photograph at hand shows: made here.

Each maker takes a random generator and a side in pixels and gives uint8 [side,side,3] RGB.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from .masks import Pixels

Floats = NDArray[np.floating]
Maker = Callable[[np.random.Generator, int], Pixels]


def _bytes(values: Floats) -> Pixels:
    return np.clip(values, 0, 255).astype(np.uint8)


def _cloud(random: np.random.Generator, side: int, steepness: float) -> Floats:
    """Noise with a 1/f**steepness spectrum, [side,side], mean 0, deviation 1."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(random.normal(size=(side, side))) / frequency**steepness
    spectrum[0, 0] = 0
    cloud = np.fft.irfft2(spectrum, (side, side))
    return cloud / (cloud.std() + 1e-9)


def _green(random: np.random.Generator) -> Floats:
    """A colour of foliage, [3] in 0..255: from blue green to straw."""
    green = random.uniform(70, 190)
    return np.array([green * random.uniform(0.45, 1.1), green, green * random.uniform(0.2, 0.8)])


def _two_colours(random: np.random.Generator, amount: Floats) -> Pixels:
    first, second = random.uniform(0, 255, 3), random.uniform(0, 255, 3)
    return _bytes(first + np.clip(amount, 0, 1)[..., None] * (second - first))


def noise(random: np.random.Generator, side: int) -> Pixels:
    """White, coloured or coarse noise."""
    coarse = int(random.choice([1, 1, 2, 4, 8, 16]))
    small = -(-side // coarse)
    channels = int(random.choice([1, 3]))
    values = random.normal(random.uniform(60, 190), random.uniform(15, 90), (small, small, channels))
    values = np.repeat(values, 3 // channels, axis=2)
    return _bytes(values.repeat(coarse, 0).repeat(coarse, 1)[:side, :side])


def blank(random: np.random.Generator, side: int) -> Pixels:
    """One colour, as of a covered lens, an overexposed shot or a bare ground."""
    if random.random() < 0.4:
        colour = np.full(3, random.choice([0.0, 255.0, random.uniform(0, 255)]))
    elif random.random() < 0.5:
        colour = random.uniform(110, 200) + random.uniform(-15, 20, 3)
    else:
        colour = random.uniform(0, 255, 3)
    return _bytes(colour + random.normal(0, random.uniform(0, 6), (side, side, 3)))


def gradient(random: np.random.Generator, side: int) -> Pixels:
    """A slope or a round glow between two colours."""
    rows, columns = np.mgrid[0:side, 0:side] / side
    if random.random() < 0.5:
        angle = random.uniform(0, 2 * math.pi)
        amount = 0.5 + (rows - 0.5) * math.sin(angle) + (columns - 0.5) * math.cos(angle)
    else:
        amount = np.hypot(rows - random.random(), columns - random.random())
    return _two_colours(random, amount)


def document(random: np.random.Generator, side: int) -> Pixels:
    """A page of words, with a heading and perhaps a table."""
    paper = int(random.uniform(190, 255))
    page = Image.new("RGB", (side, side), (paper, paper, paper - int(random.uniform(0, 30))))
    draw = ImageDraw.Draw(page)
    ink = (int(random.uniform(0, 70)),) * 3
    line = int(random.uniform(6, 18))
    for top in range(int(random.uniform(2, 25)), side, line + int(random.uniform(2, 8))):
        left = random.uniform(5, 30)
        end = side - random.uniform(5, 60)
        while left < end:
            width = random.uniform(1, 6) * line * 0.5
            if random.random() < 0.5:
                draw.text((left, top), "".join(chr(97 + int(c)) for c in random.integers(0, 26, 5)), fill=ink)
            else:
                draw.rectangle((left, top + line * 0.3, left + width, top + line * 0.75), fill=ink)
            left += width + line * 0.5
    if random.random() < 0.3:
        for place in range(0, side, int(random.uniform(20, 50))):
            draw.line((place, 0, place, side), fill=ink)
    return np.asarray(page.rotate(random.uniform(-25, 25), fillcolor=(120, 110, 100)))


def screen(random: np.random.Generator, side: int) -> Pixels:
    """Windows, buttons and rows of text, as on a screen."""
    shade = int(random.choice([25, 40, 235, 250]))
    picture = Image.new("RGB", (side, side), (shade, shade, shade))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(4, 16))):
        left, top = random.uniform(0, side, 2)
        colour = tuple(int(c) for c in random.uniform(0, 255, 3))
        draw.rounded_rectangle((left, top, left + random.uniform(20, 150), top + random.uniform(6, 80)), 4, fill=colour)
        draw.text((left + 4, top + 2), "Settings  OK  Cancel", fill=(255 - shade,) * 3)
    return np.asarray(picture)


def foliage(random: np.random.Generator, side: int) -> Pixels:
    """Green texture without a leaf's shape: a hedge, moss, a lawn from far away."""
    cloud = _cloud(random, side, random.uniform(0.4, 1.6))
    other = _cloud(random, side, random.uniform(0.4, 1.6))
    first, second = _green(random), _green(random)
    values = first + 0.5 * np.tanh(other)[..., None] * (second - first)
    return _bytes(values * (1 + random.uniform(0.15, 0.5) * cloud[..., None]))


def grass(random: np.random.Generator, side: int) -> Pixels:
    """Blades, all over the picture."""
    base = _green(random) * 0.5
    picture = Image.new("RGB", (side, side), tuple(int(c) for c in base))
    draw = ImageDraw.Draw(picture)
    lean = random.uniform(-0.6, 0.6)
    for _ in range(int(random.integers(120, 500))):
        left, bottom = random.uniform(-20, side + 20), random.uniform(0, side * 1.3)
        length, bend = random.uniform(20, 120), random.normal(lean, 0.4)
        colour = tuple(int(min(255, c)) for c in _green(random) * random.uniform(0.6, 1.4))
        path = [(left + bend * length * t * t, bottom - length * t) for t in (0, 0.33, 0.66, 1)]
        draw.line(path, fill=colour, width=int(random.integers(1, 6)))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(random.uniform(0, 1.2))))


def stripes(random: np.random.Generator, side: int) -> Pixels:
    """Parallel veins or furrows, as of a blade of maize filling the picture."""
    angle = random.uniform(0, math.pi)
    rows, columns = np.mgrid[0:side, 0:side]
    across = rows * math.sin(angle) + columns * math.cos(angle) + 3 * _cloud(random, side, 1.8)
    wave = np.sin(across * 2 * math.pi / random.uniform(4, 40))
    base = _green(random) if random.random() < 0.6 else random.uniform(40, 220, 3)
    grain = _cloud(random, side, 1.0)
    return _bytes(base * (1 + (random.uniform(0.05, 0.3) * wave + random.uniform(0, 0.12) * grain)[..., None]))


def shapes(random: np.random.Generator, side: int) -> Pixels:
    """Discs, boxes and lines, some of them round and green like fruit, on a smooth ground."""
    picture = Image.fromarray(gradient(random, side))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(1, 9))):
        left, top, width, height = random.uniform(0, side * 0.8, 4)
        colour = _green(random) if random.random() < 0.4 else random.uniform(0, 255, 3)
        draw_one = draw.ellipse if random.random() < 0.6 else draw.rectangle
        draw_one((left, top, left + width, top + height), fill=tuple(int(c) for c in colour))
    shaded = np.asarray(picture.filter(ImageFilter.GaussianBlur(random.uniform(0, 2))), np.float32)
    return _bytes(shaded * (1 + 0.15 * _cloud(random, side, 1.5))[..., None])


def checks(random: np.random.Generator, side: int) -> Pixels:
    """A board or a code of black and white squares."""
    cells = int(random.integers(4, 40))
    if random.random() < 0.5:
        board = np.indices((cells, cells)).sum(0) % 2
    else:
        board = random.integers(0, 2, (cells, cells))
    amount = ndimage.zoom(board.astype(np.float32), side / cells, order=0)
    amount = np.pad(amount, ((0, max(0, side - len(amount))),) * 2, mode="edge")[:side, :side]
    return _two_colours(random, amount)


def waves(random: np.random.Generator, side: int) -> Pixels:
    """Smooth interference in strong colours."""
    rows, columns = np.mgrid[0:side, 0:side] / side
    channels = []
    for _ in range(3):
        a, b, c, d = random.uniform(-30, 30, 4)
        channels.append(np.sin(a * rows + b * columns) + np.sin(c * np.hypot(rows - 0.5, columns - 0.5) + d))
    return _bytes(128 + 60 * np.stack(channels, -1))


TRAINED: dict[str, Maker] = {
    maker.__name__: maker for maker in (noise, blank, gradient, document, foliage, grass, stripes, shapes)
}
# Never trained on: they show what the score does with a kind of picture that it has not met.
HELD_OUT: dict[str, Maker] = {maker.__name__: maker for maker in (screen, checks, waves)}


def make_pictures(makers: dict[str, Maker], each: int, side: int, seed: int) -> Pixels:
    """`each` pictures of every kind: uint8 [len(makers)*each,side,side,3], kind after kind."""
    random = np.random.default_rng(seed)
    return np.stack([maker(random, side) for maker in makers.values() for _ in range(each)])
