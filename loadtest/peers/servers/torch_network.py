"""Makes torchvision's network of an ONNX file's weights, so that both are the same network, and compiles it.

python torch_network.py NETWORK MODEL.onnx OUT.pt2

Batch norms are folded into the convolutions before them, as they are in the ONNX file and as torch does for inference;
layers and initialisers come in the same order. Compiled ahead of time with AOTInductor, which torch recommends for
serving since TorchScript is deprecated: https://docs.pytorch.org/docs/stable/torch.compiler_aot_inductor.html
"""

import sys

import onnx
import torch
import torchvision
from onnx import numpy_helper
from torch import nn
from torch._inductor import config

# Weights laid out ahead for their convolutions: faster for resnet50, slower for mobilenet_v3_small.
FROZEN = {"resnet50"}


def without_norms(parent):
    """Takes the batch norms out, in place."""
    for name, child in parent.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(parent, name, nn.Identity())
        else:
            without_norms(child)


def fill(network, arrays):
    """Weights and biases by turns, in the order of the layers."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    if len(arrays) != 2 * len(layers):
        raise SystemExit(f"{len(arrays)} arrays for {len(layers)} layers")
    for layer, weight, bias in zip(layers, arrays[::2], arrays[1::2], strict=True):
        if layer.weight.shape != weight.shape:
            raise SystemExit(f"{tuple(layer.weight.shape)} wanted, {weight.shape} found")
        layer.weight = nn.Parameter(torch.from_numpy(weight.copy()))
        layer.bias = nn.Parameter(torch.from_numpy(bias.copy()))


def main(name, source, target):
    torch.set_num_threads(1)
    network = torchvision.models.get_model(name, weights=None).eval()
    without_norms(network)
    fill(network, [numpy_helper.to_array(each) for each in onnx.load(source).graph.initializer if each.dims])
    with torch.inference_mode():
        config.freezing = name in FROZEN
        exported = torch.export.export(network, (torch.zeros(1, 3, 224, 224),))
        torch._inductor.aoti_compile_and_package(exported, package_path=target)


if __name__ == "__main__":
    main(*sys.argv[1:])
