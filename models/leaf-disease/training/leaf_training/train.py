"""Trains one network on one part of the leaves."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .batches import FOREIGN, BatchMaker, TrainingSet
from .lessons import Lesson, Teacher, lessons
from .network import LeafNetwork, build_network

Log = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """All that decides what comes out of a training, but for the photographs."""

    backbone: str = "shufflenet_v2_x0_5"
    side: int = 224
    # The first epochs see smaller pictures: they cost half as much and teach the same beginnings.
    early_side: int = 160
    early_share: float = 0.45
    epochs: int = 80
    steps_per_epoch: int = 48
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    average_decay: float = 0.996
    uniform_share: float = 0.3
    # A crop of `other-leaves` that is kept out altogether, to see what becomes of a crop never met.
    unseen_crop: str | None = None
    # So many of the backbone's first stages stay as they are: from the start, and once pictures have their full size.
    # Half of a step's time goes into the first few, whose maps are the largest.
    frozen: int = 0
    frozen_late: int = 0
    # How often a batch is used, and the network (a key of RECIPES) whose answers are learnt beside the labels.
    uses: int = 1
    teacher: str | None = None
    teacher_share: float = 0.6
    teacher_temperature: float = 2.0
    seed: int = 20150101

    # Tells recipes for the same network apart.
    variant: str = ""

    @property
    def name(self) -> str:
        """What people call it, and its directory."""
        return f"{self.backbone}-{self.variant}" if self.variant else self.backbone


_EFFICIENTNET = Recipe(
    backbone="efficientnet_lite0",
    side=160,
    early_side=128,
    early_share=0.65,
    epochs=16,
    steps_per_epoch=20,
    learning_rate=1e-3,
    average_decay=0.98,
)
# What each network is trained with.
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(),
        Recipe(variant="distilled", uses=2, teacher="efficientnet_lite0-long"),
        _EFFICIENTNET,
        replace(
            _EFFICIENTNET,
            variant="long",
            side=192,
            early_side=144,
            early_share=0.6,
            epochs=60,
            steps_per_epoch=40,
            average_decay=0.996,
            frozen=4,
            frozen_late=6,
            uses=2,
        ),
        Recipe(backbone="mobilenet_v3_small"),
    )
}

# The default model's.
PUBLISHED_RECIPE = "shufflenet_v2_x0_5"


def quick(recipe: Recipe) -> Recipe:
    """`recipe`, cut down to one epoch on small pictures: to see that everything runs."""
    return replace(recipe, side=64, early_side=64, epochs=1, steps_per_epoch=2)


def _is_early(recipe: Recipe, epoch: int) -> bool:
    return epoch < recipe.early_share * recipe.epochs


def _work(recipe: Recipe, first: int, end: int) -> int:
    """What the epochs from `first` to before `end` cost, in pixels: large pictures take longer."""
    return sum((recipe.early_side if _is_early(recipe, epoch) else recipe.side) ** 2 for epoch in range(first, end))


def learning_rate_at(recipe: Recipe, step: int) -> float:
    """One cycle: a short rise, then a cosine down to nearly nothing."""
    steps = recipe.epochs * recipe.steps_per_epoch
    rise = 0.08 * steps
    if step < rise:
        return recipe.learning_rate * (0.05 + 0.95 * step / rise)
    return recipe.learning_rate * (0.002 + 0.998 * 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise))))


def loss_of(recipe: Recipe, logits: Tensor, unknown_logit: Tensor, lesson: Lesson) -> tuple[Tensor, Tensor]:
    """Loss of the classes and of the foreign score."""
    labels = lesson.labels
    known = labels != FOREIGN
    classes = F.cross_entropy(logits[known], labels[known], label_smoothing=recipe.label_smoothing)
    # A foreign picture should leave the classes undecided as well: two signs are better than one.
    classes = classes - recipe.uniform_share * F.log_softmax(logits[~known], 1).mean()
    foreign = F.binary_cross_entropy_with_logits(unknown_logit, (~known).float())
    if lesson.logits is not None and lesson.unknown_logit is not None:
        share, temperature = recipe.teacher_share, recipe.teacher_temperature
        taught = F.kl_div(
            F.log_softmax(logits[known] / temperature, 1),
            F.log_softmax(lesson.logits[known] / temperature, 1),
            reduction="batchmean",
            log_target=True,
        )
        classes = (1 - share) * classes + share * temperature**2 * taught
        taught = F.binary_cross_entropy_with_logits(unknown_logit, torch.sigmoid(lesson.unknown_logit))
        foreign = (1 - share) * foreign + share * taught
    return classes, foreign


def _average_into(averaged: LeafNetwork, network: LeafNetwork, decay: float) -> None:
    with torch.no_grad():
        latest = network.state_dict()
        for name, value in averaged.state_dict().items():
            if value.is_floating_point():
                value.lerp_(latest[name], 1 - decay)
            else:
                value.copy_(latest[name])


def _parameter_groups(network: LeafNetwork, weight_decay: float) -> list[dict[str, object]]:
    learning = [p for p in network.parameters() if p.requires_grad]
    matrices = [p for p in learning if p.ndim > 1]
    vectors = [p for p in learning if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


def _load(checkpoint: Path, recipe: Recipe, seen: str) -> dict[str, Any] | None:
    """What was saved after the last whole epoch, if anything was.

    Raises where it was learnt by another recipe or from other photographs: some of those held out may be among them.
    """
    if not checkpoint.exists():
        return None
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    # What was added to the recipe since is what it was before, by default.
    written = {**asdict(Recipe()), **saved["recipe"]}
    if written != asdict(recipe):
        raise ValueError(f"{checkpoint} was written by another recipe; give another --runs or remove it")
    if saved.get("seen") != seen:
        raise ValueError(f"{checkpoint} learnt from other photographs or weights; give another --runs or remove it")
    return saved


def epochs_done(checkpoint: Path, recipe: Recipe, seen: str) -> int:
    """How many epochs of `recipe` the checkpoint has behind it."""
    saved = _load(checkpoint, recipe, seen)
    return 0 if saved is None else int(saved["epoch"])


def train(
    recipe: Recipe,
    training: TrainingSet,
    classes: int,
    starting_weights: Path | None,
    checkpoint: Path,
    seen: str,
    log: Log,
    teacher: Teacher | None = None,
    device: str = "cpu",
) -> LeafNetwork:
    """Train, resuming from `checkpoint` if it is there, and give the network with averaged weights.

    Batches are made on the CPU; networks are trained, and taught, on `device`. `seen` stands for what is learnt from:
    a checkpoint with another is refused.
    After every epoch the checkpoint is rewritten, so that a cut-off run goes on where it was.
    """
    torch.manual_seed(recipe.seed)
    network = build_network(recipe.backbone, classes, starting_weights).to(memory_format=torch.channels_last)
    network = network.to(device)
    on_gpu = torch.device(device).type == "cuda"
    # Before the optimiser, which need not know what never learns.
    network.freeze(recipe.frozen)
    averaged = build_network(recipe.backbone, classes, starting_weights).to(device)
    optimiser = torch.optim.AdamW(_parameter_groups(network, recipe.weight_decay))
    batches = BatchMaker(training, recipe.side, device)
    first_epoch = 0
    saved = _load(checkpoint, recipe, seen)
    if saved is not None:
        network.load_state_dict(saved["network"])
        averaged.load_state_dict(saved["averaged"])
        optimiser.load_state_dict(saved["optimiser"])
        torch.set_rng_state(saved["random"])
        if on_gpu:
            torch.cuda.set_rng_state_all(saved["gpu_random"])
        first_epoch = saved["epoch"]
        log(f"going on after epoch {first_epoch}")
    began = time.monotonic()
    for epoch in range(first_epoch, recipe.epochs):
        network.train()
        is_early = _is_early(recipe, epoch)
        batches.side = recipe.early_side if is_early else recipe.side
        network.freeze(recipe.frozen if is_early else max(recipe.frozen, recipe.frozen_late))
        sums = torch.zeros(3, device=device)
        for within, lesson in enumerate(lessons(batches, recipe.steps_per_epoch, recipe.uses, teacher)):
            step = epoch * recipe.steps_per_epoch + within
            for group in optimiser.param_groups:
                group["lr"] = learning_rate_at(recipe, step)
            logits, unknown_logit, _ = network(lesson.pictures.contiguous(memory_format=torch.channels_last))
            class_loss, foreign_loss = loss_of(recipe, logits, unknown_logit, lesson)
            optimiser.zero_grad(set_to_none=True)
            (class_loss + foreign_loss).backward()
            optimiser.step()
            # Early on the average would lag behind weights that still move fast.
            _average_into(averaged, network, min(recipe.average_decay, (1 + step) / (10 + step)))
            known = lesson.labels != FOREIGN
            right = (logits.detach()[known].argmax(1) == lesson.labels[known]).float().mean()
            sums += torch.stack((class_loss.detach(), foreign_loss.detach(), right))
        means = (sums / recipe.steps_per_epoch).tolist()
        spent = time.monotonic() - began
        left = spent / _work(recipe, first_epoch, epoch + 1) * _work(recipe, epoch + 1, recipe.epochs)
        log(
            f"epoch {epoch + 1}/{recipe.epochs} class loss {means[0]:.3f} foreign loss {means[1]:.3f} "
            f"right in training {means[2]:.3f}, {spent / 60:.1f} min, {left / 60:.1f} min to go"
        )
        state = {
            "recipe": asdict(recipe),
            "seen": seen,
            "network": network.state_dict(),
            "averaged": averaged.state_dict(),
            "optimiser": optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "gpu_random": torch.cuda.get_rng_state_all() if on_gpu else [],
            "epoch": epoch + 1,
        }
        partial = checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(checkpoint)
    return averaged.eval().cpu()
