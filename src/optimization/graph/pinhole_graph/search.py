"""Step `search`: the fewest layers that have to stay in float32 for an int8 network to agree with its original."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import onnx

from .answers import Answers, ask
from .calibration import Ranges, digest_of, ranges
from .model_file import load
from .plan import plan
from .progress import Progress
from .quantize import quantized
from .tensors import open_tensors

# Photographs that each layer is measured with on its own: as many as take a second, within these bounds.
FEWEST_MEASURED_WITH, MOST_MEASURED_WITH = 8, 32
# An int8 network that is less than so many times as fast as its original is not worth more layers in float32.
MIN_SPEEDUP = 1.15
# Sets of layers up to this size are looked through for layers that need not be in them after all.
REFINED_UP_TO = 12
# Sets that are tried, about: only for the progress.
TRIES = 10


def run(job: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Search with the folded `job["model"]`; what was measured is kept in `job["work"]` for a second run."""
    model = load(job["model"])
    found = ranges(model, job, progress)
    return Search(model, found, job, progress).run()


class Search:
    """One search, and what it has found so far."""

    def __init__(self, model: onnx.ModelProto, found: Ranges, job: dict[str, Any], progress: Progress) -> None:
        self._model = model
        self._ranges = found
        self._operators = job.get("operators", "all")
        self._given = list(job.get("float_nodes", ()))
        self._outputs = job["outputs"]
        self._tensors = open_tensors(job["search"])
        self._target = float(job["target"])
        self._min_speedup = float(job.get("min_speedup", MIN_SPEEDUP))
        self._progress = progress
        self._layers = plan(model, self._given, self._operators).weighted
        self._notes = Notes(Path(job["work"], f"search-{self._key(job)}.jsonl"))
        self._of = len(self._layers) + TRIES
        self._done = 0
        self._steps: list[dict[str, Any]] = []

    def run(self) -> dict[str, Any]:
        """Result of the step."""
        measured = sorted(self._measure_layers().items(), key=lambda entry: -entry[1])
        hurtful = [name for name, _ in measured]
        kept, seen = self._smallest_prefix(hurtful)
        if seen["agreement"] >= self._target and 1 < len(kept) <= REFINED_UP_TO:
            kept, seen = self._refine(kept, seen)
        self._progress.tell(self._of, self._of, "searching for layers that hurt")
        return {
            "float_nodes": self._given + kept,
            "agreement": seen["agreement"],
            "difference": seen["difference"],
            "reached": seen["agreement"] >= self._target,
            "steps": self._steps,
            "measured": [{"node": name, "difference": harm} for name, harm in measured],
        }

    @cached_property
    def _original(self) -> Answers:
        return ask(self._model, self._tensors, self._outputs)

    def _measure_layers(self) -> dict[str, float]:
        """Of each layer how much it hurts when it alone is int8."""
        measured: dict[str, float] = {}
        for layer in self._layers:
            self._tell()
            harm = self._notes.get(layer)
            if harm is None:
                rows = min(MOST_MEASURED_WITH, max(FEWEST_MEASURED_WITH, int(1000 / self._original.ms)))
                others = [name for name in self._layers if name != layer]
                answers = ask(self._quantized(others), self._tensors[:rows], self._outputs)
                harm = self._original.first(rows).harm(answers)
                self._notes.add(layer, harm)
            measured[layer] = harm
            self._done += 1
        return measured

    def _smallest_prefix(self, hurtful: list[str]) -> tuple[list[str], dict[str, Any]]:
        """The fewest of the most hurtful layers with which the target is reached, else the best that still pays."""
        count, failed = 0, -1
        best = ([], self._try([]))
        while best[1]["agreement"] < self._target:
            failed, count = count, max(1, count * 2)
            if count >= len(hurtful):
                break
            seen = self._try(hurtful[:count])
            if seen["speedup"] < self._min_speedup:
                break
            if seen["agreement"] > best[1]["agreement"]:
                best = (hurtful[:count], seen)
        reached = len(best[0])
        while best[1]["agreement"] >= self._target and reached - failed > 1:
            middle = (reached + failed) // 2
            seen = self._try(hurtful[:middle])
            if seen["agreement"] >= self._target:
                reached, best = middle, (hurtful[:middle], seen)
            else:
                failed = middle
        return best

    def _refine(self, kept: list[str], seen: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """Without layers that turn out not to be needed, the least hurtful looked at first."""
        for name in reversed(kept):
            fewer = [other for other in kept if other != name]
            tried = self._try(fewer)
            if tried["agreement"] >= self._target:
                kept, seen = fewer, tried
        return kept, seen

    def _try(self, kept: list[str]) -> dict[str, Any]:
        """Agreement, mean absolute difference and speedup with the layers `kept` in float32."""
        self._tell()
        key = json.dumps(sorted(kept))
        seen = self._notes.get(key)
        if seen is None:
            answers = ask(self._quantized(kept), self._tensors, self._outputs)
            seen = {
                "agreement": self._original.agreement(answers),
                "difference": self._original.difference(answers),
                "speedup": self._original.ms / max(answers.ms, 1e-6),
            }
            self._notes.add(key, seen)
        self._steps.append({"float_nodes": len(kept), **seen})
        self._done = min(self._done + 1, self._of - 1)
        return seen

    def _quantized(self, kept: list[str]) -> onnx.ModelProto:
        return quantized(self._model, self._ranges, [*self._given, *kept], self._operators)

    def _tell(self) -> None:
        self._progress.tell(self._done, self._of, "searching for layers that hurt")

    def _key(self, job: dict[str, Any]) -> str:
        settings = [self._operators, self._given, self._outputs, job.get("method"), job.get("percentile")]
        described = json.dumps([settings, sorted(self._ranges.items())])
        digest = hashlib.sha256(described.encode() + digest_of(self._model, self._tensors).encode())
        return digest.hexdigest()[:16]


class Notes:
    """Measurements that outlive the process: a line of JSON for each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Any] = {}
        lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
        # What comes after the last line break was being written when the process ended.
        for line in lines[:-1]:
            key, value = json.loads(line)
            self._known[key] = value
        if lines and lines[-1]:
            path.write_text("".join(f"{line}\n" for line in lines[:-1]), encoding="utf-8")

    def get(self, key: str) -> Any:  # noqa: ANN401 whatever was noted
        """What was noted under `key`, or None."""
        return self._known.get(key)

    def add(self, key: str, value: object) -> None:
        """Note `value` under `key`."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, value]) + "\n")
        self._known[key] = value
