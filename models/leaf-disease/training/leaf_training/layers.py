"""Layers that several networks are made of."""

from __future__ import annotations

from torch import nn


def conv_norm(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, epsilon: float = 1e-5
) -> list[nn.Module]:
    """A convolution that keeps the size (but for the stride) and its batch norm."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs, eps=epsilon)]
