"""EfficientNet-Lite0: the blocks of MobileNetV2, and about its size, with starting weights to be had."""

from __future__ import annotations

from torch import Tensor, nn

from .layers import conv_norm

EPSILON = 1e-3
# Kernel, stride, expansion, output channels and repeats of each stage.
# https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
MIDDLE_STAGES = 5


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow; added to its input where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        widen = [*conv_norm(inputs, wide, 1, epsilon=EPSILON), nn.ReLU6(inplace=True)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *widen,
            *conv_norm(wide, wide, kernel, stride, groups=wide, epsilon=EPSILON),
            nn.ReLU6(inplace=True),
            *conv_norm(wide, outputs, 1, epsilon=EPSILON),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """float32 [N,C,H,W] to [N,C',H/stride,W/stride]."""
        return x + self.layers(x) if self.adds else self.layers(x)


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 without last convolution and classifier.

    Takes float32 [N,3,H,W] in 0..1 and gives features [N,112,H/16,W/16] and [N,320,H/32,W/32].
    """

    channels = (112, 320)
    width = 1280

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv_norm(3, 32, 3, 2, epsilon=EPSILON), nn.ReLU6(inplace=True))
        stages, inputs = [], 32
        for kernel, stride, expansion, outputs, repeats in STAGES:
            blocks = []
            for repeat in range(repeats):
                first = repeat == 0
                blocks.append(InvertedResidual(inputs, outputs, kernel, stride if first else 1, expansion))
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.to_middle = nn.Sequential(*stages[:MIDDLE_STAGES])
        self.to_last = nn.Sequential(*stages[MIDDLE_STAGES:])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the middle and the last stage."""
        middle = self.to_middle(self.stem(x))
        return middle, self.to_last(middle)

    @property
    def stages(self) -> list[nn.Module]:
        """Its parts, from the picture on."""
        return [self.stem, *self.to_middle, *self.to_last]

    def start_from(self, state: dict[str, Tensor], last_conv: nn.Module) -> None:
        """Take over the starting weights, of this network and of its last convolution.

        Their state dict holds the same layers in the same order under other names, and the classifier
        after them. They were trained on -1..1 and with zeros added at the far rim only: the range is
        folded into the first layer, the rim is left to the training.
        """
        given = [value.clone() for name, value in state.items() if not name.startswith("_fc.")]
        own = nn.ModuleList([self, last_conv]).state_dict()
        if [value.shape for value in own.values()] != [value.shape for value in given]:
            raise ValueError("these are not the weights of an EfficientNet-Lite0")
        given = dict(zip(own, given, strict=True))
        first = given["0.stem.0.weight"]
        # conv(2x - 1) = 2 conv(x) - sum(weights)
        given["0.stem.1.running_mean"] += first.sum((1, 2, 3))
        given["0.stem.0.weight"] = 2 * first
        nn.ModuleList([self, last_conv]).load_state_dict(given)
