"""Turns a trained network into one ONNX file."""

from __future__ import annotations

import copy
import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .masks import Pixels
from .network import LeafNetwork

OPSET = 17
OUTPUTS = ("logits", "unknown_score", "activation_map")
LARGEST_DIFFERENCE = 1e-4
# Leaves score so near 0 that the threshold would lie at a few thousandths. Softened, in the same
# order, scores and threshold can be read and rounded.
SCORE_SOFTENING = 3.0


class ServedNetwork(nn.Module):
    """What the server runs: the score for foreign pictures as a share, the map beside the logits.

    float32 [N,3,S,S] in 0..1 to `logits` [N,C], `unknown_score` [N] in 0..1 (1: foreign) and, unless
    left out for timing, `activation_map` [N,C,S/32,S/32] (its mean plus a constant is the logit).
    """

    def __init__(self, network: LeafNetwork, with_map: bool = True) -> None:
        super().__init__()
        self.network = network
        self.with_map = with_map

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """All outputs that the server reads."""
        logits, unknown_logit, activation_map = self.network(x)
        outputs = (logits, torch.sigmoid(unknown_logit / SCORE_SOFTENING), activation_map)
        return outputs if self.with_map else outputs[:2]


def _fold_norms(module: nn.Module) -> None:
    """Replace each convolution followed by a batch norm by one convolution, in place."""
    if isinstance(module, nn.Sequential):
        names = list(module._modules)
        for first, second in pairwise(names):
            conv, norm = module._modules[first], module._modules[second]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module._modules[first] = fuse_conv_bn_eval(conv, norm)
                module._modules[second] = nn.Identity()
    for child in module.children():
        _fold_norms(child)


def export_network(network: LeafNetwork, side: int, file: Path, with_map: bool = True) -> None:
    """Write `network` to `file` as a checked ONNX graph with a free batch size."""
    folded = copy.deepcopy(network).eval().to(memory_format=torch.contiguous_format)
    folded.pools_first = not with_map
    _fold_norms(folded)
    if hasattr(folded.backbone, "align_for_inference"):
        folded.backbone.align_for_inference()
    served = ServedNetwork(folded, with_map).eval()
    names = OUTPUTS if with_map else OUTPUTS[:2]
    torch.onnx.export(
        served,
        (torch.zeros(2, 3, side, side),),
        str(file),
        input_names=["input"],
        output_names=list(names),
        dynamic_axes={name: {0: "batch"} for name in ("input", *names)},
        opset_version=OPSET,
        dynamo=False,
    )
    onnx.checker.check_model(str(file), full_check=True)


def open_graph(file: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """An inference session on the CPU with `threads` threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def largest_difference(network: LeafNetwork, file: Path, squares: Pixels) -> float:
    """The largest absolute difference of any output between PyTorch and ONNX Runtime.

    `squares` is uint8 [N,S,S,3]; raises if they differ by more than LARGEST_DIFFERENCE.
    """
    served = ServedNetwork(network.eval())
    session = open_graph(file)
    largest = 0.0
    for start in range(0, len(squares), 20):
        pictures = squares[start : start + 20].transpose(0, 3, 1, 2).astype(np.float32) / 255
        with torch.no_grad():
            expected = served(torch.from_numpy(pictures))
        for ours, theirs in zip(expected, session.run(list(OUTPUTS), {"input": pictures}), strict=True):
            largest = max(largest, float(np.abs(ours.numpy() - theirs).max()))
    if largest > LARGEST_DIFFERENCE:
        raise ArithmeticError(f"ONNX and PyTorch differ by {largest:.2e}")
    return largest


def sha256_of(file: Path) -> str:
    """The file's SHA-256 in hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
