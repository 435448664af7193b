"""Trains one network on one part of the leaves."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .batches import FOREIGN, BatchMaker, TrainingSet
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
    seed: int = 20150101


def learning_rate_at(recipe: Recipe, step: int) -> float:
    """One cycle: a short rise, then a cosine down to nearly nothing."""
    steps = recipe.epochs * recipe.steps_per_epoch
    rise = 0.08 * steps
    if step < rise:
        return recipe.learning_rate * (0.05 + 0.95 * step / rise)
    return recipe.learning_rate * (0.002 + 0.998 * 0.5 * (1 + math.cos(math.pi * (step - rise) / (steps - rise))))


def loss_of(recipe: Recipe, logits: Tensor, unknown_logit: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of the classes and of the foreign score, for a batch with labels int64 [N] (-1: foreign)."""
    known = labels != FOREIGN
    classes = F.cross_entropy(logits[known], labels[known], label_smoothing=recipe.label_smoothing)
    # A foreign picture should leave the classes undecided as well: two signs are better than one.
    classes = classes - recipe.uniform_share * F.log_softmax(logits[~known], 1).mean()
    foreign = F.binary_cross_entropy_with_logits(unknown_logit, (~known).float())
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
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


def train(
    recipe: Recipe,
    training: TrainingSet,
    classes: int,
    starting_weights: Path | None,
    checkpoint: Path,
    log: Log,
) -> LeafNetwork:
    """Train, resuming from `checkpoint` if it is there, and give the network with averaged weights.

    After every epoch the checkpoint is rewritten, so that a cut-off run goes on where it was.
    """
    torch.manual_seed(recipe.seed)
    network = build_network(recipe.backbone, classes, starting_weights).to(memory_format=torch.channels_last)
    averaged = build_network(recipe.backbone, classes, starting_weights)
    optimiser = torch.optim.AdamW(_parameter_groups(network, recipe.weight_decay))
    batches = BatchMaker(training, recipe.side)
    first_epoch = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if saved["recipe"] != asdict(recipe):
            raise ValueError(f"{checkpoint} was written by another recipe; give another --runs or remove it")
        network.load_state_dict(saved["network"])
        averaged.load_state_dict(saved["averaged"])
        optimiser.load_state_dict(saved["optimiser"])
        torch.set_rng_state(saved["random"])
        first_epoch = saved["epoch"]
        log(f"going on after epoch {first_epoch}")
    began = time.monotonic()
    for epoch in range(first_epoch, recipe.epochs):
        network.train()
        batches.side = recipe.early_side if epoch < recipe.early_share * recipe.epochs else recipe.side
        sums = torch.zeros(3)
        for within in range(recipe.steps_per_epoch):
            step = epoch * recipe.steps_per_epoch + within
            for group in optimiser.param_groups:
                group["lr"] = learning_rate_at(recipe, step)
            pictures, labels = batches.draw()
            logits, unknown_logit, _ = network(pictures.contiguous(memory_format=torch.channels_last))
            class_loss, foreign_loss = loss_of(recipe, logits, unknown_logit, labels)
            optimiser.zero_grad(set_to_none=True)
            (class_loss + foreign_loss).backward()
            optimiser.step()
            # Early on the average would lag behind weights that still move fast.
            _average_into(averaged, network, min(recipe.average_decay, (1 + step) / (10 + step)))
            known = labels != FOREIGN
            right = (logits.detach()[known].argmax(1) == labels[known]).float().mean()
            sums += torch.stack((class_loss.detach(), foreign_loss.detach(), right))
        means = (sums / recipe.steps_per_epoch).tolist()
        spent = time.monotonic() - began
        left = spent / (epoch + 1 - first_epoch) * (recipe.epochs - epoch - 1)
        log(
            f"epoch {epoch + 1}/{recipe.epochs} class loss {means[0]:.3f} foreign loss {means[1]:.3f} "
            f"right in training {means[2]:.3f}, {spent / 60:.1f} min, {left / 60:.1f} min to go"
        )
        state = {
            "recipe": asdict(recipe),
            "network": network.state_dict(),
            "averaged": averaged.state_dict(),
            "optimiser": optimiser.state_dict(),
            "random": torch.get_rng_state(),
            "epoch": epoch + 1,
        }
        partial = checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(checkpoint)
    return averaged.eval()
