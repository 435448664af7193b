"""`python -m leaf_training`: retrain, export, evaluate and rewrite the model's directory."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from . import card
from .all_leaves import publish_from_all_leaves
from .comparison import compare
from .cross_validation import cross_validate
from .run import Place, Run
from .server import REPOSITORY
from .size import FULL, QUICK
from .train import PUBLISHED_RECIPE, RECIPES, quick

TRAINING = Path(__file__).resolve().parents[1]
# The directory of the model that the server brings along, trained by PUBLISHED_RECIPE.
PUBLISHED = TRAINING.parent / "1.0.0"
STEPS = ("train", "export", "evaluate", "publish")
# Done only when asked for.
FURTHER_STEPS = ("time",)


def arguments(given: list[str] | None) -> argparse.Namespace:
    """What the command line says, with defaults; ends the process, as argparse does, where it makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m leaf_training", description=__doc__)
    parser.add_argument(
        "steps",
        nargs="*",
        choices=[*STEPS, *FURTHER_STEPS, "all"],
        default="all",
        help="evaluate times the graph as well, time does only that; publish writes the model's directory and card; "
        "all but time by default",
    )
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--cross-validate", action="store_true", help="every part held out in turn, into the card")
    many.add_argument(
        "--all-leaves",
        action="store_true",
        help="after --cross-validate: train on all leaves and publish that, with the parts' figures and calibration",
    )
    many.add_argument("--compare", action="store_true", help="several networks and resolutions, into the card")
    parser.add_argument("--recipe", choices=RECIPES, default=PUBLISHED_RECIPE, help="of train.py")
    data = REPOSITORY.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=data, help="directory with leaves, others, other-leaves")
    parser.add_argument("--weights", type=Path, help="starting weights (a state dict); default: what README names")
    parser.add_argument("--runs", type=Path, default=TRAINING / "runs", help="where checkpoints and figures go")
    parser.add_argument(
        "--model",
        type=Path,
        help="directory to publish to, <name>/<version>; default: that of leaf-disease for its own recipe, with "
        "--quick one under --runs",
    )
    parser.add_argument("--log", type=Path, help="lines are added to it; default: log.txt here, with --quick in --runs")
    parser.add_argument("--folds", type=int, default=5, help="parts the leaves are dealt into")
    parser.add_argument("--fold", type=int, default=0, help="the part that is held out")
    parser.add_argument("--epochs", type=int, help="default: the recipe's")
    parser.add_argument("--side", type=int, help="pixels of the network's input; default: the recipe's")
    parser.add_argument("--unseen-crop", help="a crop of other-leaves (apple) to keep out of training and measure")
    parser.add_argument("--quick", action="store_true", help="next to nothing of everything, to see that it runs")
    parser.add_argument("--device", default="cpu", help="where networks are trained, as PyTorch names it: cpu, cuda")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch")
    parser.add_argument(
        "--at-once", type=int, help="trainings of --cross-validate at a time, one thread each; default: --threads"
    )
    options = parser.parse_args(given)
    options.steps = STEPS if "all" in options.steps else options.steps
    if options.folds < 2 or not 0 <= options.fold < options.folds:
        parser.error(f"--fold {options.fold} of --folds {options.folds}: at least 2 parts, numbered from 0")
    own = options.recipe == PUBLISHED_RECIPE and not (options.epochs or options.side or options.unseen_crop)
    if options.compare and not own:
        parser.error("--compare has recipes of its own: no --recipe, --epochs, --side or --unseen-crop")
    if options.all_leaves and options.unseen_crop:
        parser.error("--all-leaves leaves nothing out: no --unseen-crop")
    if options.model is None:
        # A network that is none of leaf-disease's must not take its place.
        if options.quick:
            options.model = options.runs / "quick" / "1.0.0"
        elif own:
            options.model = PUBLISHED
        elif options.cross_validate or options.all_leaves or "publish" in options.steps:
            parser.error("--model is needed: another recipe than leaf-disease's is another model")
    options.log = options.log or (options.runs if options.quick else TRAINING) / "log.txt"
    return options


def main(given: list[str] | None = None) -> None:
    """Do what the command line says."""
    options = arguments(given)
    torch.set_num_threads(options.threads)
    options.runs.mkdir(parents=True, exist_ok=True)
    place = Place(
        data=options.data,
        runs=options.runs,
        log=options.log,
        size=QUICK if options.quick else FULL,
        weights=options.weights,
        device=options.device,
    )
    changes = {name: value for name in ("epochs", "side") if (value := getattr(options, name))}
    recipe = RECIPES[options.recipe]
    recipe = replace(quick(recipe) if options.quick else recipe, **changes)
    if options.cross_validate or options.compare:
        card.start(options.model, recipe.backbone)
    if options.cross_validate:
        crop, at_once = options.unseen_crop or "apple", options.at_once or options.threads
        write = partial(card.rewrite, options.model, "cross-validation")
        cross_validate(place, recipe, options.folds, crop, at_once, write)
    elif options.all_leaves:
        publish_from_all_leaves(place, recipe, options.folds, options.model)
    elif options.compare:
        card.rewrite(options.model, "comparison", compare(place, options.folds, options.fold))
    else:
        run = Run(place, replace(recipe, unseen_crop=options.unseen_crop), options.folds, options.fold)
        steps = {"train": run.train, "export": run.export, "evaluate": run.evaluate, "time": run.time}
        for step in options.steps:
            if step == "publish":
                run.publish(options.model)
            else:
                steps[step]()


if __name__ == "__main__":
    main()
