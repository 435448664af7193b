"""Layers that several networks are made of."""

from __future__ import annotations

import torch
from torch import nn


def conv_norm(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, epsilon: float = 1e-5
) -> list[nn.Module]:
    """A convolution that keeps the size (but for the stride) and its batch norm."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs, eps=epsilon)]


def with_silent_channels(conv: nn.Conv2d, inputs: int, outputs: int) -> nn.Conv2d:
    """The same convolution with further channels: those that come in are not heard, those that go out are 0.

    `inputs` and `outputs` are what it has afterwards; where it works on each channel alone, both must be the same.
    """
    alone = conv.groups > 1
    wider = nn.Conv2d(
        inputs, outputs, conv.kernel_size, conv.stride, conv.padding, groups=outputs if alone else 1, bias=True
    )
    with torch.no_grad():
        for parameter in wider.parameters():
            parameter.zero_()
        wider.weight[: conv.out_channels, : conv.weight.shape[1]] = conv.weight
        if conv.bias is not None:
            wider.bias[: conv.out_channels] = conv.bias
    return wider.to(conv.weight.dtype)
