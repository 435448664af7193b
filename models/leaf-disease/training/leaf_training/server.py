"""Asks the server's own evaluation, `bun run models:evaluate`, what a model says of pictures."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[4]
# A machine that was suspended meanwhile loses a picture or two: its workers seem stuck.
TRIES = 2


@dataclass(frozen=True)
class Answers:
    """What the server answered for N pictures, in the order in which they were written.

    `log_probabilities` [N,C] are the logits divided by the manifest's temperature, but for a constant;
    `unknown_score` [N]; `unknown` and `status` [N] are the server's verdicts.
    """

    log_probabilities: NDArray[np.floating]
    unknown_score: NDArray[np.floating]
    unknown: NDArray[np.bool_]
    status: NDArray[np.str_]

    def of(self, chosen: NDArray[np.bool_]) -> Answers:
        """The answers for the chosen pictures only."""
        return Answers(
            self.log_probabilities[chosen], self.unknown_score[chosen], self.unknown[chosen], self.status[chosen]
        )


def bun() -> list[str]:
    """The command that runs Bun: what is installed, or what npx fetches."""
    found = shutil.which("bun")
    if found:
        return [found]
    if shutil.which("npx"):
        return ["npx", "-y", "bun@1.4.5"]
    raise FileNotFoundError("Bun is needed: the server's own decoding and preparing are what is measured")


def _answers(rows: Sequence[dict[str, Any]]) -> Answers:
    # Probabilities are 64-bit: their logarithm gives the logits back to more digits than matter.
    probabilities = np.array([row["probabilities"] for row in rows])
    return Answers(
        np.log(np.maximum(probabilities, 1e-300)),
        np.array([row["unknownScore"] for row in rows]),
        np.array([row["unknown"] for row in rows]),
        np.array([row["status"] for row in rows]),
    )


def ask(models: Path, reference: str, pictures: Path, sets: Sequence[str]) -> dict[str, Answers]:
    """Have the model `reference`, in the repository `models`, judge all files under `pictures`.

    `pictures` holds one numbered folder for each of `sets`, as `pictures.write_pictures` leaves them.
    """
    answers = models / "answers.json"
    command = [*bun(), "run", "--silent", "models:evaluate", reference]
    options = ["--images", str(pictures), "--models-dir", str(models), "--json", str(answers)]
    for _ in range(TRIES):
        done = subprocess.run(
            [*command, *options],
            cwd=REPOSITORY,
            env={**os.environ, "ORT_DISABLE_TELEMETRY": "1"},
            # Its figures are read from the file; how far it is it says on the other stream.
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode == 0:
            break
    else:
        raise RuntimeError(f"models:evaluate failed with {done.returncode}; what it said is above")
    rows: dict[int, list[dict[str, Any]]] = {place: [] for place in range(len(sets))}
    for row in json.loads(answers.read_text())["rows"]:
        rows[int(Path(row["file"]).parts[0])].append(row)
    return {
        name: _answers(sorted(rows[place], key=lambda row: Path(row["file"]).stem)) for place, name in enumerate(sets)
    }
