"""ShuffleNetV2 0.5x, as its starting weights were trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import conv_norm, with_silent_channels

# ONNX Runtime keeps 16 channels side by side on processors with AVX-512. Pooling whose channels are no multiple of that
# leaves this layout, and costs two rewrites of the largest map of the network: a sixth of the whole time.
SIDE_BY_SIDE = 16


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

    @property
    def stages(self) -> list[nn.Module]:
        """Its parts, from the picture on."""
        return [self.first_conv, self.stage2, self.stage3, self.stage4]

    def start_from(self, state: dict[str, Tensor], last_conv: nn.Module) -> None:
        """Take over the starting weights' state dict; they have no last convolution."""
        self.load_state_dict(state)

    def align_for_inference(self) -> None:
        """Give the stem channels that are always 0, so that the runtime pools it without changing its layout.

        For a copy whose batch norms are folded; outputs stay what they are.
        """
        stem = self.first_conv[0]
        width = -(-stem.out_channels // SIDE_BY_SIDE) * SIDE_BY_SIDE
        self.first_conv[0] = with_silent_channels(stem, stem.in_channels, width)
        block = self.stage2[0]
        projected, main = block.branch_proj, block.branch_main
        projected[0] = with_silent_channels(projected[0], width, width)
        projected[2] = with_silent_channels(projected[2], width, projected[2].out_channels)
        main[0] = with_silent_channels(main[0], width, main[0].out_channels)
