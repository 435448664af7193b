"""`python -m leaf_training`: retrain, export, evaluate and rewrite the model's directory."""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from . import timing
from .batches import build_training_set
from .dataset import Photograph, assign_folds, class_ids, list_photographs, load_squares
from .evaluate import evaluate
from .export import export_network, largest_difference, sha256_of
from .network import LeafNetwork, build_network
from .publish import publish
from .train import Recipe, train

TRAINING = Path(__file__).resolve().parents[1]
REPOSITORY = TRAINING.parents[2]
COMPARED = 200
STEPS = ("train", "export", "evaluate", "publish")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m leaf_training", description=__doc__)
    parser.add_argument(
        "steps",
        nargs="*",
        choices=[*STEPS, "all"],
        default="all",
        help="evaluate times the graph, too; publish writes the model's directory and card; all by default",
    )
    data = REPOSITORY.parent / "shared" / "data"
    recipe = Recipe()
    parser.add_argument("--data", type=Path, default=data, help="directory with leaves, others, other-leaves")
    parser.add_argument(
        "--weights",
        type=Path,
        default=data / "weights" / "shufflenetv2_x0.5_backbone.pth",
        help="starting weights of the backbone (a state dict)",
    )
    parser.add_argument("--runs", type=Path, default=TRAINING / "runs", help="where checkpoints and figures go")
    parser.add_argument("--model", type=Path, default=TRAINING.parent / "1.0.0", help="directory to publish to")
    parser.add_argument("--log", type=Path, default=TRAINING / "log.txt")
    parser.add_argument("--folds", type=int, default=5, help="parts the leaves are dealt into")
    parser.add_argument("--fold", type=int, default=0, help="the part that is held out")
    parser.add_argument("--epochs", type=int, default=recipe.epochs)
    parser.add_argument("--side", type=int, default=recipe.side, help="pixels of the network's input")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


class Run:
    """One training and its evaluation, in a directory of its own so that each step can be repeated."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.recipe = replace(Recipe(), epochs=options.epochs, side=options.side)
        name = f"{self.recipe.backbone}-{self.recipe.side}-fold{options.fold}of{options.folds}"
        self.directory: Path = options.runs / name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.checkpoint = self.directory / "checkpoint.pt"
        self.graph = self.directory / "model.onnx"
        self.metrics = self.directory / "metrics.json"
        self.photographs = list_photographs(options.data / "leaves")
        self.ids = class_ids(self.photographs)
        self.folds = assign_folds(self.photographs, options.folds, self.recipe.seed)

    def log(self, message: str) -> None:
        """Print a line with the time and keep it in the log file."""
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {message}"
        print(line, flush=True)
        with self.options.log.open("a") as file:
            file.write(line + "\n")

    def _part(self, held_out: bool) -> list[Photograph]:
        fold = self.options.fold
        return [p for p, f in zip(self.photographs, self.folds, strict=True) if (f == fold) == held_out]

    def _network(self) -> LeafNetwork:
        network = build_network(self.recipe.backbone, len(self.ids))
        saved = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        network.load_state_dict(saved["averaged"])
        return network.eval()

    def train(self) -> None:
        """Train on all leaves but the held-out part."""
        if not self.checkpoint.exists():
            self.options.log.write_text("")
        part = self._part(held_out=False)
        self.log(f"training on {len(part)} photographs: {asdict(self.recipe)}")
        training = build_training_set(self.options.data, part, self.recipe.seed)
        train(self.recipe, training, len(self.ids), self.options.weights, self.checkpoint, self.log)

    def export(self) -> None:
        """Write the trained network as ONNX."""
        export_network(self._network(), self.recipe.side, self.graph)
        self.log(f"exported {self.graph.stat().st_size} bytes, sha256 {sha256_of(self.graph)}")

    def evaluate(self) -> None:
        """Compare the graph with PyTorch, measure it on the held-out part and time it."""
        network, held_out = self._network(), self._part(held_out=True)
        squares = load_squares([p.path for p in held_out[:: max(1, len(held_out) // COMPARED)]], self.recipe.side)
        squares = squares[:COMPARED]
        difference = largest_difference(network, self.graph, squares)
        halves = assign_folds(held_out, 2, self.recipe.seed + 1)
        metrics: dict[str, Any] = evaluate(self.graph, self.options.data, held_out, halves, self.recipe.seed)
        metrics["largest_difference"], metrics["compared"] = difference, len(squares)
        metrics["sha256"] = sha256_of(self.graph)
        metrics["recipe"] = asdict(self.recipe)
        metrics["parameters"] = sum(p.numel() for p in network.parameters())
        metrics["timing"] = {**timing.measure(network, self.graph, self.recipe.side), "cores": os.cpu_count()}
        self.metrics.write_text(json.dumps(metrics, indent=1) + "\n")
        right = metrics["right"]
        self.log(
            f"held out: {right['count']} of {right['of']} right, macro F1 {metrics['macro_f1']:.4f}, "
            f"{metrics['calibration']}"
        )

    def publish(self) -> None:
        """Write the directory that the server reads."""
        publish(self.graph, json.loads(self.metrics.read_text()), self.ids, self.options.model)
        self.log(f"published {self.options.model.name}")


def main() -> None:
    """Do the steps named on the command line."""
    options = _arguments()
    torch.set_num_threads(options.threads)
    run = Run(options)
    steps = STEPS if "all" in options.steps else options.steps
    for step in steps:
        getattr(run, step)()


if __name__ == "__main__":
    main()
