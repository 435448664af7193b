"""The networks that can be trained, and the heads that they share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from .efficientnet_lite import EfficientNetLite0
from .layers import conv_norm
from .mobilenet import MobileNetV3Small
from .shufflenet import ShuffleNetHalf

# A further architecture is one more entry: a module with `channels`, `width`, the forward of two
# stages, `stages` in order and `start_from`; with `align_for_inference` where the exported graph should be
# built otherwise.
BACKBONES: dict[str, Callable[[], nn.Module]] = {
    "shufflenet_v2_x0_5": ShuffleNetHalf,
    "efficientnet_lite0": EfficientNetLite0,
    "mobilenet_v3_small": MobileNetV3Small,
}


class LeafNetwork(nn.Module):
    """A backbone with a class head and a head that scores how foreign a picture is.

    `forward` takes float32 [N,3,H,W] in 0..1 and returns
    `logits` [N,C], `unknown_logit` [N] and `activation_map` [N,C,H/32,W/32].
    """

    def __init__(self, backbone: str, classes: int, dropout: float = 0.2) -> None:
        super().__init__()
        self.backbone = BACKBONES[backbone]()
        self.frozen: list[nn.Module] = []
        middle, last = self.backbone.channels
        width = self.backbone.width
        self.last_conv = nn.Sequential(*conv_norm(last, width, 1), nn.ReLU(inplace=True))
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

    def freeze(self, stages: int) -> None:
        """Keep the backbone's first stages as they are: no gradients, and norms by what they were trained on."""
        self.frozen = self.backbone.stages[:stages]
        for stage in self.frozen:
            stage.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> LeafNetwork:
        """As torch's; what is frozen stays as at inference."""
        super().train(mode)
        for stage in self.frozen:
            stage.eval()
        return self

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
    """Build a network for `classes` classes; the backbone may start from a state dict."""
    network = LeafNetwork(backbone, classes)
    if starting_weights is not None:
        state = torch.load(starting_weights, map_location="cpu", weights_only=True)
        network.backbone.start_from(state, network.last_conv)
    return network
