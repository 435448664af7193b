"""Writes the directory that the server reads: graph, manifest, labels and the card's figures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import card
from .export import sha256_of
from .labels import labels_for


def _manifest(graph: Path, name: str, version: str, side: int, calibration: dict[str, float]) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": name,
        "version": version,
        "task": "classification",
        "description": "Names diseases of tomato and potato leaves from a photograph of a single leaf, "
        "and says when a picture is not something it knows.",
        "file": graph.name,
        "sha256": sha256_of(graph),
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
        "calibration": calibration,
        # On a CPU eight at once take longer than eight in turn, and each waits for all of them.
        "batch": {"max_size": 4, "max_wait_ms": 0},
        "license": "CC-BY-SA-3.0",
    }


def _accuracy(metrics: dict[str, Any]) -> dict[str, Any]:
    right, held_out = metrics["right"], metrics["leaves"]
    whole = ", each asked of a network trained alike that never saw it" if "each" in metrics else ""
    return {
        "top1": round(right["count"] / right["of"], 4),
        "images": held_out["photographs"],
        "dataset": f"PlantVillage subset, {held_out['leaves']} held-out leaves of tomato and potato "
        f"photographed on plain ground{whole}",
    }


def _write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_model(
    directory: Path,
    name: str,
    ids: Sequence[str],
    side: int,
    calibration: dict[str, float],
    metrics: dict[str, Any] | None = None,
) -> None:
    """Write manifest and labels beside the `model.onnx` in `directory`, whose name is the version."""
    manifest = _manifest(directory / "model.onnx", name, directory.name, side, calibration)
    if metrics is not None:
        licence = manifest.pop("license")
        manifest = {**manifest, "accuracy": _accuracy(metrics), "license": licence}
    _write_json(directory / "labels.json", labels_for(ids))
    _write_json(directory / "manifest.json", manifest)


def publish(graph: Path, metrics: dict[str, Any], ids: Sequence[str], directory: Path, figures: str) -> None:
    """Put graph, manifest and labels into `directory`, <name>/<version>, and `figures` (Markdown) into its card."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(graph, directory / "model.onnx")
    side = metrics["recipe"]["side"]
    write_model(directory, directory.parent.name, ids, side, metrics["calibration"], metrics)
    card.start(directory, metrics["recipe"]["backbone"])
    card.rewrite(directory, "figures", figures)
