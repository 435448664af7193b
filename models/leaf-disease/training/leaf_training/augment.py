"""What phones and fields do to a photograph, done to whole batches of tensors.

Pictures are float32 [N,3,S,S] in 0..1, masks float32 [N,1,S,S] in 0..1. Every function draws its own
amounts per picture from torch's global generator.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor


@dataclass(frozen=True)
class Geometry:
    """How far pictures are moved. Zoom above 1 shows less of the source; shift is a share of the side."""

    zoom: tuple[float, float] = (0.75, 1.25)
    stretch: float = 1.15
    shift: float = 0.1
    bend: float = 0.02
    upright_share: float = 0.0


WHOLE_LEAF = Geometry(zoom=(0.75, 1.35), shift=0.15)
CUT_LEAF = Geometry(zoom=(0.7, 1.25), shift=0.15)
# A leaf of another crop is bent and stretched hard: the outline of the one crop at hand must not
# become what "foreign" means.
FOREIGN_LEAF = Geometry(zoom=(0.7, 1.2), stretch=1.9, shift=0.12, bend=0.07)
SCENE = Geometry(zoom=(0.9, 2.2), stretch=1.2, shift=0.1, bend=0.0, upright_share=0.6)


def _uniform(n: int, low: float, high: float) -> Tensor:
    return torch.rand(n) * (high - low) + low


def _chance(n: int, share: float) -> Tensor:
    return torch.rand(n) < share


def draw_grid(n: int, side: int, geometry: Geometry) -> Tensor:
    """Sampling grid [n,side,side,2] in -1..1: rotation, zoom, stretch, flip, shift and a soft bend."""
    angle = _uniform(n, 0, 2 * math.pi)
    angle = torch.where(_chance(n, geometry.upright_share), 0.15 * torch.randn(n), angle)
    inverse_zoom = torch.exp(-_uniform(n, *(math.log(bound) for bound in geometry.zoom)))
    stretch = torch.exp(_uniform(n, -1, 1) * math.log(geometry.stretch))
    flip = torch.where(_chance(n, 0.5), -1.0, 1.0)
    cos, sin = torch.cos(angle) * inverse_zoom, torch.sin(angle) * inverse_zoom
    shift = _uniform(2 * n, -geometry.shift, geometry.shift).view(n, 2) * 2
    # The stretch is in the source's axes, so that it changes the leaf's outline whatever the angle.
    rows = torch.stack((cos * flip * stretch, -sin * stretch, shift[:, 0]), 1)
    columns = torch.stack((sin * flip / stretch, cos / stretch, shift[:, 1]), 1)
    grid = F.affine_grid(torch.stack((rows, columns), 1), [n, 1, side, side], align_corners=False)
    if geometry.bend:
        bend = F.interpolate(torch.randn(n, 2, 5, 5) * geometry.bend, (28, 28), mode="bicubic")
        bend = F.interpolate(bend, (side, side), mode="bilinear")
        grid = grid + bend.permute(0, 2, 3, 1)
    return grid


def move(pictures: Tensor, grid: Tensor) -> Tensor:
    """Sample whole photographs; what lies outside is mirrored or the rim drawn out, batch by batch."""
    # Some of the healthy potato photographs come with drawn-out rims: giving them to every class
    # takes that clue away.
    padding = "reflection" if torch.rand(()) < 0.6 else "border"
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def lay(cut: Tensor, mask: Tensor, ground: Tensor) -> Tensor:
    """Lay cut-out leaves on grounds, with a soft shadow under most of them."""
    n = cut.shape[0]
    mask = F.avg_pool2d(mask, 3, 1, 1)
    shadow = F.avg_pool2d(F.avg_pool2d(mask, 4), 3, 1, 1)
    offset = torch.randint(-3, 4, (2,)).tolist()
    shadow = torch.roll(shadow, offset, (2, 3)) * (_uniform(n, 0, 0.75) * _chance(n, 0.7)).view(n, 1, 1, 1)
    shadow = F.interpolate(shadow, mask.shape[2:], mode="bilinear")
    return cut * mask + ground * (1 - shadow) * (1 - mask)


def colour(pictures: Tensor, hue_degrees: Tensor) -> Tensor:
    """Brightness, contrast, saturation, white balance, gamma and hue (up to `hue_degrees` [N]) of each."""
    n = len(pictures)
    to_yiq = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    angle = _uniform(n, -1, 1) * hue_degrees * (math.pi / 180)
    saturation = _uniform(n, 0.7, 1.35)
    turn = torch.zeros(n, 3, 3)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = torch.cos(angle) * saturation
    turn[:, 1, 2] = -torch.sin(angle) * saturation
    turn[:, 2, 1] = torch.sin(angle) * saturation
    matrix = torch.linalg.inv(to_yiq) @ turn @ to_yiq
    gain = _uniform(3 * n, 0.92, 1.08).view(n, 3, 1) * _uniform(n, 0.68, 1.35).view(n, 1, 1)
    contrast = _uniform(n, 0.75, 1.3).view(n, 1, 1)
    flat = pictures.flatten(2)
    mean = flat.mean((1, 2), keepdim=True)
    flat = (gain * matrix * contrast) @ (flat - mean) + mean * gain.mean(1, keepdim=True)
    flat = flat.clamp_(1e-4, 1)
    bent = torch.nonzero(_chance(n, 0.3)).flatten()
    flat[bent] = flat[bent].pow(_uniform(len(bent), 0.75, 1.3).view(-1, 1, 1))
    return flat.view_as(pictures)


def blur(pictures: Tensor, share: float) -> Tensor:
    """Blur `share` of the pictures with a Gaussian of 0.4 to 2 pixels, or by motion along a line."""
    chosen = torch.nonzero(_chance(len(pictures), share)).flatten()
    n = len(chosen)
    if n == 0:
        return pictures
    reach = torch.arange(-4, 5, dtype=torch.float32)
    rows, columns = torch.meshgrid(reach, reach, indexing="ij")
    angle = _uniform(n, 0, math.pi).view(n, 1, 1)
    along = rows * torch.sin(angle) + columns * torch.cos(angle)
    across = rows * torch.cos(angle) - columns * torch.sin(angle)
    wide = _uniform(n, 0.4, 2.0).view(n, 1, 1)
    narrow = torch.where(_chance(n, 0.25).view(n, 1, 1), torch.full_like(wide, 0.4), wide)
    kernel = torch.exp(-0.5 * ((along / wide) ** 2 + (across / narrow) ** 2))
    kernel = (kernel / kernel.sum((1, 2), keepdim=True)).repeat_interleave(3, 0).unsqueeze(1)
    padded = F.pad(pictures[chosen], (4, 4, 4, 4), mode="reflect")
    side = pictures.shape[-1]
    blurred = F.conv2d(padded.view(1, 3 * n, side + 8, side + 8), kernel, groups=3 * n)
    return pictures.index_copy(0, chosen, blurred.view(n, 3, side, side))


def sensor_noise(pictures: Tensor, share: float) -> Tensor:
    """Add pixel noise of up to 12 of 255 steps to `share` of the pictures."""
    chosen = torch.nonzero(_chance(len(pictures), share)).flatten()
    amount = _uniform(len(chosen), 0, 0.05).view(-1, 1, 1, 1)
    noisy = pictures[chosen]
    noisy = (noisy + torch.randn_like(noisy) * amount).clamp_(0, 1)
    return pictures.index_copy(0, chosen, noisy)


def jpeg(pictures: Tensor, share: float, quality: tuple[int, int] = (30, 90)) -> Tensor:
    """Write and read back `share` of the pictures as JPEG of a quality in the given range."""
    pictures = pictures.clone()
    for place in torch.nonzero(_chance(len(pictures), share)).flatten().tolist():
        level = int(torch.randint(quality[0], quality[1] + 1, ()))
        pictures[place] = through_jpeg(pictures[place], level)
    return pictures


def through_jpeg(picture: Tensor, quality: int) -> Tensor:
    """One picture [3,H,W] after a round through JPEG at `quality` (1 to 95)."""
    pixels = (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    back = np.array(Image.open(file))
    return torch.from_numpy(back).permute(2, 0, 1).float() / 255


def fingers(pictures: Tensor, share: float) -> Tensor:
    """Lay one to three finger-like shapes, coming in from the rim, over `share` of the pictures."""
    side = pictures.shape[-1]
    axis = torch.linspace(-1, 1, side)
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    pictures = pictures.clone()
    for place in torch.nonzero(_chance(len(pictures), share)).flatten().tolist():
        skin = torch.tensor([0.86, 0.64, 0.52]) * float(_uniform(1, 0.35, 1.1))
        angle = float(_uniform(1, 0, 2 * math.pi))
        along = columns * math.cos(angle) + rows * math.sin(angle)
        across = rows * math.cos(angle) - columns * math.sin(angle)
        width, reach = float(_uniform(1, 0.12, 0.22)), float(_uniform(1, 0.45, 0.85))
        first = float(_uniform(1, -0.5, 0.3))
        for finger in range(int(torch.randint(1, 4, ()))):
            middle = first + finger * width * 2.1
            tip = reach + 0.15 * float(torch.rand(()))
            distance = torch.hypot((tip - along).clamp(min=0), across - middle) / width
            cover = ((1 - distance) * 12).clamp(0, 1)
            shade = (1.1 - 0.5 * distance.clamp(max=1) ** 2).unsqueeze(0)
            pictures[place] = pictures[place] * (1 - cover) + skin.view(3, 1, 1) * shade * cover
    return pictures.clamp(0, 1)
