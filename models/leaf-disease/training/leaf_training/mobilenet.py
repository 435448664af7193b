"""mobilenet_v3_small, to compare with; there are no starting weights for it."""

from __future__ import annotations

import torchvision
from torch import Tensor, nn


class MobileNetV3Small(nn.Module):
    """mobilenet_v3_small without last convolution and classifier.

    Takes float32 [N,3,H,W] in 0..1 and gives features [N,48,H/16,W/16] and [N,96,H/32,W/32].
    """

    channels = (48, 96)
    width = 576

    def __init__(self) -> None:
        super().__init__()
        layers = torchvision.models.mobilenet_v3_small(weights=None).features
        self.to_middle, self.to_last = layers[:9], layers[9:12]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the middle and the last stage."""
        middle = self.to_middle(x)
        return middle, self.to_last(middle)

    @property
    def stages(self) -> list[nn.Module]:
        """Its parts, from the picture on."""
        return [*self.to_middle, *self.to_last]

    def start_from(self, state: dict[str, Tensor], last_conv: nn.Module) -> None:
        """Take over a state dict of this module, if one is ever had."""
        self.load_state_dict(state)
