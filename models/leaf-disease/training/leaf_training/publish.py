"""Writes the directory that the server reads: graph, manifest, labels and the card's figures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import card
from .labels import labels_for


def manifest(metrics: dict[str, Any], version: str) -> dict[str, Any]:
    """The manifest of a graph with these measured figures."""
    side = metrics["recipe"]["side"]
    held_out = metrics["leaves"]
    return {
        "schema": 1,
        "name": "leaf-disease",
        "version": version,
        "task": "classification",
        "description": "Names diseases of tomato and potato leaves from a photograph of a single leaf, "
        "and says when a picture is not something it knows.",
        "file": "model.onnx",
        "sha256": metrics["sha256"],
        "input": {
            "name": "input",
            "dtype": "float32",
            "layout": "NCHW",
            "width": side,
            "height": side,
            "color": "RGB",
        },
        "resize": {"fit": "cover", "crop": 1, "interpolation": "bilinear"},
        "normalize": {"scale": 1 / 255, "mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]},
        "outputs": {
            "logits": {"name": "logits", "softmax": False},
            "unknown_score": {"name": "unknown_score"},
            "activation_map": {"name": "activation_map"},
        },
        "labels": "labels.json",
        "calibration": {name: round(value, 6) for name, value in metrics["calibration"].items()},
        # On a CPU eight at once take longer than eight in turn, and each waits for all of them.
        "batch": {"max_size": 4, "max_wait_ms": 0},
        "accuracy": {
            "top1": round(metrics["right"]["count"] / metrics["right"]["of"], 4),
            "images": held_out["photographs"],
            "dataset": f"PlantVillage subset, {held_out['leaves']} held-out leaves of tomato and potato "
            "photographed on plain ground",
        },
        "license": "CC-BY-SA-3.0",
    }


def _write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def publish(graph: Path, metrics: dict[str, Any], ids: Sequence[str], model_directory: Path) -> None:
    """Put graph, manifest and labels into `model_directory` and the figures into its card."""
    model_directory.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(graph, model_directory / "model.onnx")
    _write_json(model_directory / "labels.json", labels_for(ids))
    _write_json(model_directory / "manifest.json", manifest(metrics, model_directory.name))
    card.rewrite(model_directory / "MODEL_CARD.md", metrics)
