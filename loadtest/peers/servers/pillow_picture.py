"""Encoded photograph -> input, with Pillow: the pixels that Pinhole gives, bit for bit at 256 x 256."""

from io import BytesIO

import numpy as np
from PIL import Image

import network


def to_input(photograph):
    """bytes -> float32 [3, 224, 224]"""
    with Image.open(BytesIO(photograph)) as picture:
        rgb = picture.convert("RGB")
    fitted = rgb.resize(network.SIZE, Image.Resampling.BILINEAR, box=network.cover_box(*rgb.size))
    return network.normalised(np.asarray(fitted))
