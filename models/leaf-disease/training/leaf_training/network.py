"""The networks that can be trained, and the heads that they share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn


def _conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class ShuffleBlock(nn.Module):
    """One ShuffleNetV2 block; module names follow the starting weights' state dict."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        middle = outputs // 2
        self.branch_main = nn.Sequential(
            *_conv_norm(inputs, middle, 1),
            nn.ReLU(inplace=True),
            *_conv_norm(middle, middle, 3, stride, groups=middle),
            *_conv_norm(middle, outputs - inputs, 1),
            nn.ReLU(inplace=True),
        )
        self.branch_proj = (
            nn.Sequential(
                *_conv_norm(inputs, inputs, 3, stride, groups=inputs),
                *_conv_norm(inputs, inputs, 1),
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

    def __init__(self) -> None:
        super().__init__()
        self.first_conv = nn.Sequential(*_conv_norm(3, 24, 3, 2), nn.ReLU(inplace=True))
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


# A further architecture is one more entry: a module with `channels` and the two-stage forward above.
BACKBONES: dict[str, Callable[[], nn.Module]] = {"shufflenet_v2_x0_5": ShuffleNetHalf}


class LeafNetwork(nn.Module):
    """A backbone with a class head and a head that scores how foreign a picture is.

    `forward` takes float32 [N,3,H,W] in 0..1 and returns
    `logits` [N,C], `unknown_logit` [N] and `activation_map` [N,C,H/32,W/32].
    """

    def __init__(self, backbone: str, classes: int, width: int = 512, dropout: float = 0.2) -> None:
        super().__init__()
        self.backbone = BACKBONES[backbone]()
        middle, last = self.backbone.channels
        self.last_conv = nn.Sequential(*_conv_norm(last, width, 1), nn.ReLU(inplace=True))
        self.dropout = nn.Dropout(dropout)
        # Set to measure what the map costs: the logits then do without it.
        self.pools_first = False
        self.classifier = nn.Conv2d(width, classes, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(classes))
        # Things are told from leaves by texture as much as by what the last layer keeps
        # for telling diseases apart, so this head also sees the middle stage.
        self.unknown = nn.Sequential(
            nn.Linear(width + middle, 64), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(64, 1)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, the foreign score before its sigmoid, and the class activation map."""
        middle, last = self.backbone(x)
        features = self.last_conv(last)
        pooled = features.mean((2, 3), keepdim=True)
        # Pooling and the classifier are both linear: the mean of the class map is the logit,
        # so the map comes at no extra cost. In training dropout needs the pooled vector instead.
        activation_map = self.classifier(features)
        if self.training or self.pools_first:
            logits = self.classifier(self.dropout(pooled)).flatten(1)
        else:
            logits = activation_map.mean((2, 3))
        seen = torch.cat((pooled.flatten(1), middle.mean((2, 3))), 1)
        return logits + self.bias, self.unknown(seen).squeeze(1), activation_map


def build_network(backbone: str, classes: int, starting_weights: Path | None = None) -> LeafNetwork:
    """Build a network for `classes` classes; a state dict of the backbone alone may start it."""
    network = LeafNetwork(backbone, classes)
    if starting_weights is not None:
        state = torch.load(starting_weights, map_location="cpu", weights_only=True)
        network.backbone.load_state_dict(state)
    return network
