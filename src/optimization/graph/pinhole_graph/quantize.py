"""Step `quantize`: int8 weights per channel, uint8 activations, as pairs of QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from .borders import free_last_products, guard_float_layers
from .calibration import Ranges, ranges
from .channels import pad_input_channels
from .failure import Failure
from .fold import tidy
from .model_file import load, save
from .plan import plan
from .progress import Progress


def run(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Quantise the folded `job["model"]` into `job["output"]`."""
    model = load(job["model"])
    found = ranges(model, job, progress)
    operators = job.get("operators", "all")
    quantised = quantized(model, found, job.get("float_nodes", ()), operators)
    save(quantised, job["output"])
    decided = plan(model, job.get("float_nodes", ()), operators)
    return {"quantized": len(decided.weighted), "float": len(decided.kept)}


def quantized(
    model: onnx.ModelProto, found: Ranges, float_nodes: Collection[str], operators: str = "all"
) -> onnx.ModelProto:
    """A quantised copy of a folded model.

    Raises Failure where no layer with weights is left to quantise.
    """
    decided = plan(model, float_nodes, operators)
    if not decided.weighted:
        raise Failure("There is nothing left to quantise: every layer with weights stays in float32.")
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    limits = {name: (np.float32(low), np.float32(high)) for name, (low, high) in found.items()}
    # It warns of every value without a range, graph inputs that are no floats among them.
    logging.disable(logging.WARNING)
    quantizer = QDQQuantizer(
        copy,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, limits),
        nodes_to_quantize=decided.nodes,
        nodes_to_exclude=[],
        op_types_to_quantize=sorted({node.op_type for node in model.graph.node}),
        extra_options={"MatMulConstBOnly": True},
    )
    quantizer.quantize_model()
    made = quantizer.model.model
    free_last_products(made, model, decided)
    guard_float_layers(made, decided.kept)
    pad_input_channels(made)
    tidy(made)
    return made
