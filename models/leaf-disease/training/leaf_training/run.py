"""One training and its evaluation, in a directory of its own, so that each step can be cut off and gone on with."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from . import card, timing
from .batches import build_training_set
from .dataset import (
    NOTHING_HELD_OUT,
    HeldOut,
    Photograph,
    assign_folds,
    class_ids,
    held_out_from,
    list_photographs,
    load_squares,
)
from .evaluate import evaluate, evaluate_leaves
from .export import export_network, largest_difference, sha256_of
from .lessons import Teacher
from .network import LeafNetwork, build_network
from .pictures import Exam
from .publish import publish
from .size import Size
from .starting_weights import starting_weights
from .train import RECIPES, Recipe, epochs_done, quick, train

COMPARED = 200


@dataclass(frozen=True)
class Place:
    """Where everything lies, and how much of it is used."""

    data: Path
    runs: Path
    log: Path
    size: Size
    weights: Path | None = None
    device: str = "cpu"

    def say(self, message: str) -> None:
        """Print a line with the time and keep it in the log file."""
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {message}"
        print(line, flush=True)
        with self.log.open("a") as file:
            file.write(line + "\n")


def _keep(file: Path, metrics: dict[str, Any]) -> None:
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(metrics, indent=1) + "\n")
    partial.replace(file)


class Run:
    """What is done for one recipe with one part of the leaves held out, or none (`fold` None).

    A step that is done is not done again.
    """

    def __init__(self, place: Place, recipe: Recipe, folds: int, fold: int | None) -> None:
        self.place, self.recipe, self.folds, self.fold = place, recipe, folds, fold
        crop = f"-without-{recipe.unseen_crop}" if recipe.unseen_crop else ""
        part = "all-leaves" if fold is None else f"fold{fold}of{folds}"
        name = f"{recipe.name}-{recipe.side}-{part}{crop}"
        self.directory = place.runs / name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.checkpoint = self.directory / "checkpoint.pt"
        self.graph = self.directory / "model.onnx"
        self.metrics = self.directory / "metrics.json"
        everything = list_photographs(place.data / "leaves")
        self.ids = class_ids(everything)
        self.photographs = place.size.of_each_class(everything)
        self.folds_of = assign_folds(self.photographs, folds, recipe.seed)

    @property
    def held_out(self) -> HeldOut:
        """What of the foreign pictures this training does not see."""
        if self.fold is None:
            return NOTHING_HELD_OUT
        return held_out_from(self.place.data, self.folds, self.fold, self.recipe.unseen_crop)

    def leaves(self, held_out: bool) -> list[Photograph]:
        """The leaves that are trained on, or those that are held out."""
        return [p for p, f in zip(self.photographs, self.folds_of, strict=True) if (f == self.fold) == held_out]

    @cached_property
    def _seen(self) -> str:
        """A digest of all that decides what is learnt beside the recipe: names of photographs, starting weights."""
        held_out = self.held_out
        leaves = [f"{p.folder}/{p.path.name}" for p in self.leaves(held_out=False)]
        foreign = [
            f"{p.folder}/{p.path.name}"
            for folder, left_out in (("others", held_out.categories), ("other-leaves", held_out.other_leaves))
            for p in list_photographs(self.place.data / folder)
            if p.folder not in left_out
        ]
        weights = self._starting_weights()
        names = "\n".join([*leaves, *foreign, "" if weights is None else sha256_of(weights)])
        return hashlib.sha256(names.encode()).hexdigest()

    def _starting_weights(self) -> Path | None:
        return self.place.weights or starting_weights(self.recipe.backbone, self.place.data)

    def network(self) -> LeafNetwork:
        """The trained network with averaged weights."""
        network = build_network(self.recipe.backbone, len(self.ids))
        saved = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        network.load_state_dict(saved["averaged"])
        return network.eval()

    def _teacher(self) -> Teacher | None:
        """The network to learn from, trained first: on the same part of the leaves and no more."""
        if self.recipe.teacher is None:
            return None
        recipe = replace(RECIPES[self.recipe.teacher], unseen_crop=self.recipe.unseen_crop)
        run = Run(self.place, quick(recipe) if self.place.size.quick else recipe, self.folds, self.fold)
        run.train()
        return Teacher(run.network(), run.recipe.side, self.place.device)

    @property
    def is_trained(self) -> bool:
        """Whether the last epoch is behind it."""
        return epochs_done(self.checkpoint, self.recipe, self._seen) == self.recipe.epochs

    def say(self, message: str) -> None:
        """Print and log a line, with the name of this run: others may be under way."""
        self.place.say(f"{self.directory.name}: {message}")

    def train(self) -> None:
        """Train on all leaves but the held-out part, from where an earlier call was cut off."""
        if self.is_trained:
            return
        teacher = self._teacher()
        part = self.leaves(held_out=False)
        self.say(f"training on {len(part)} photographs: {asdict(self.recipe)}")
        training = build_training_set(self.place.data, part, self.held_out, self.place.size, self.recipe.seed)
        train(
            self.recipe,
            training,
            len(self.ids),
            self._starting_weights(),
            self.checkpoint,
            self._seen,
            self.say,
            teacher,
            self.place.device,
        )

    def export(self) -> None:
        """Write the trained network as ONNX."""
        export_network(self.network(), self.recipe.side, self.graph)
        self.say(f"exported {self.graph.stat().st_size} bytes, sha256 {sha256_of(self.graph)}")

    def about(self) -> dict[str, Any]:
        """What can be said of the graph without asking it about leaves: equal to PyTorch, and how fast."""
        network = self.network()
        compared = self.photographs if self.fold is None else self.leaves(held_out=True)
        places = np.linspace(0, len(compared) - 1, min(COMPARED, len(compared))).round().astype(int)
        paths = [compared[place].path for place in places]
        squares = load_squares(paths, self.recipe.side)
        return {
            "sha256": sha256_of(self.graph),
            "recipe": asdict(self.recipe),
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "largest_difference": largest_difference(network, self.graph, squares),
            "compared": len(squares),
            "timing": self._timing(network),
        }

    def _timing(self, network: LeafNetwork) -> dict[str, Any]:
        cost = timing.measure(network, self.graph, self.recipe.side, self.place.size.timing_rounds)
        return {**cost, "cores": os.cpu_count()}

    @property
    def measured(self) -> dict[str, Any] | None:
        """All figures of this graph, if it has been measured."""
        return self._measured(self.metrics)

    def _needed(self) -> dict[str, Any]:
        metrics = self.measured
        if metrics is None:
            raise ValueError(f"{self.graph} has not been measured as it is: evaluate it first")
        return metrics

    def _measured(self, file: Path) -> dict[str, Any] | None:
        """The figures in `file`, if they are those of this graph."""
        if not (file.exists() and self.graph.exists()):
            return None
        metrics = json.loads(file.read_text())
        return metrics if metrics["sha256"] == sha256_of(self.graph) else None

    def _measure(self, file: Path, count: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        metrics = {**count(), **self.about()}
        _keep(file, metrics)
        right = metrics["right"]
        self.say(
            f"{right['count']} of {right['of']} right, macro F1 {metrics['macro_f1']:.4f}, "
            f"{metrics['timing']['model_lowest_ms']:.2f} ms"
        )
        return metrics

    def evaluate(self) -> dict[str, Any]:
        """Measure the graph on all that was held out, and time it."""
        held_out, seed = self.leaves(held_out=True), self.recipe.seed
        exam = Exam(held_out, self.held_out, self.place.size.made_for_evaluation, seed)
        halves = assign_folds(held_out, 2, seed + 1)
        return self._measure(
            self.metrics,
            lambda: evaluate(self.graph, self.place.data, self.ids, self.recipe.side, exam, halves),
        )

    def time(self) -> None:
        """Measure the time alone anew, when the machine is quieter than it was."""
        _keep(self.metrics, {**self._needed(), "timing": self._timing(self.network())})

    def publish(self, directory: Path) -> None:
        """Write the directory that the server reads, with the figures of this graph."""
        metrics = self._needed()
        self.publish_with(metrics, card.figures(metrics), directory)

    def publish_with(self, metrics: dict[str, Any], figures: str, directory: Path) -> None:
        """Write the directory that the server reads, with these metrics and the card's section made of them."""
        publish(self.graph, metrics, self.ids, directory, figures)
        self.place.say(f"published {directory.parent.name}/{directory.name}")

    def figures(self) -> dict[str, Any]:
        """All figures: trained, exported and measured first, where that is not done yet."""
        metrics = self.measured
        if metrics is None:
            self.train()
            self.export()
            metrics = self.evaluate()
        return metrics

    def right_and_time(self) -> dict[str, Any]:
        """What is right of the leaves as photographed, and the time: enough to compare networks by."""
        file = self.directory / "leaves.json"
        metrics = self._measured(file)
        if metrics is None:
            self.train()
            self.export()
            held_out = self.leaves(held_out=True)
            metrics = self._measure(file, lambda: evaluate_leaves(self.graph, self.ids, self.recipe.side, held_out))
        return metrics
