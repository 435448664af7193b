"""Several trainings at once, each in a process and on a thread of its own."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

import torch

from .run import Place, Run
from .train import Recipe


def end_with_parent() -> None:
    """End this process once the one that started it has: a second command would write the same checkpoint."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _train(place: Place, recipe: Recipe, folds: int, fold: int) -> None:
    end_with_parent()
    torch.set_num_threads(1)
    Run(place, recipe, folds, fold).train()


def train_side_by_side(runs: Sequence[Run], at_once: int, then: Callable[[Run], None]) -> None:
    """Train those of `runs` that are not trained yet, `at_once` of them at a time, and call `then` as each ends.

    A second thread makes a training hardly faster (small convolutions, norms that wait for memory): two trainings on
    one thread each take little longer than one on two. A single one gets one thread as well: the number of threads
    decides how sums are rounded, so the same network comes of it. The first error, of a training or of `then`, ends it
    once those that run are through.
    """
    waiting = [run for run in runs if not run.is_trained]
    if not waiting:
        return
    began = time.monotonic()
    with ProcessPoolExecutor(at_once, mp_context=multiprocessing.get_context("spawn")) as processes:
        trainings = {processes.submit(_train, run.place, run.recipe, run.folds, run.fold): run for run in waiting}
        try:
            for done, training in enumerate(as_completed(trainings), 1):
                training.result()
                spent = (time.monotonic() - began) / 60
                left = spent / done * (len(waiting) - done)
                runs[0].place.say(f"{done} of {len(waiting)} trained, {spent:.0f} min, about {left:.0f} min to go")
                then(trainings[training])
        except BaseException:
            processes.shutdown(cancel_futures=True)
            raise
