"""ShuffleNetV2 0.5x, as its starting weights were trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import conv_norm


class ShuffleBlock(nn.Module):
    """One ShuffleNetV2 block; module names follow the starting weights' state dict."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        middle = outputs // 2
        self.branch_main = nn.Sequential(
            *conv_norm(inputs, middle, 1),
            nn.ReLU(inplace=True),
            *conv_norm(middle, middle, 3, stride, groups=middle),
            *conv_norm(middle, outputs - inputs, 1),
            nn.ReLU(inplace=True),
        )
        self.branch_proj = (
            nn.Sequential(
                *conv_norm(inputs, inputs, 3, stride, groups=inputs),
                *conv_norm(inputs, inputs, 1),
                nn.ReLU(inplace=True),
            )
            if stride == 2
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """float32 [N,C,H,W] to [N,C',H/stride,W/stride]."""
        if self.branch_proj is not None:
            return torch.cat((self.branch_proj(x), self.branch_main(x)), 1)
        # The starting weights were trained with the shuffle at the block's entry:
        # even channels pass through, odd channels are worked on.
        return torch.cat((x[:, 0::2], self.branch_main(x[:, 1::2])), 1)


class ShuffleNetHalf(nn.Module):
    """ShuffleNetV2 0.5x without last convolution and classifier.

    Takes float32 [N,3,H,W] in 0..1 and gives the features of its last two stages:
    [N,96,H/16,W/16] and [N,192,H/32,W/32].
    """

    channels = (96, 192)
    width = 512

    def __init__(self) -> None:
        super().__init__()
        self.first_conv = nn.Sequential(*conv_norm(3, 24, 3, 2), nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = 24
        for name, outputs, repeats in (("stage2", 48, 4), ("stage3", 96, 8), ("stage4", 192, 4)):
            blocks = []
            for repeat in range(repeats):
                if repeat == 0:
                    blocks.append(ShuffleBlock(inputs, outputs, 2))
                else:
                    blocks.append(ShuffleBlock(outputs // 2, outputs, 1))
            setattr(self, name, nn.Sequential(*blocks))
            inputs = outputs

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the middle and the last stage."""
        x = self.stage2(self.maxpool(self.first_conv(x)))
        middle = self.stage3(x)
        return middle, self.stage4(middle)

    def start_from(self, state: dict[str, Tensor], last_conv: nn.Module) -> None:
        """Take over the starting weights' state dict; they have no last convolution."""
        self.load_state_dict(state)
