"""Ranges of activations: what calibration photographs bring about, and what of it 8 bits are spent on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import onnx

from .failure import Failure
from .model_file import written_whole
from .plan import ACTIVATIONS, plan
from .progress import Progress
from .runtime import open_session, run
from .tensors import in_batches, open_tensors
from .wiring import Wiring

BINS = 2048
METHODS = ("minmax", "entropy", "percentile")
# Levels on the one side of zero that a range around it has, and of a range that begins at it.
LEVELS_TWO_SIDED = 128
LEVELS_ONE_SIDED = 256
ENTROPY_STEP = 16

Ranges = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Histogram:
    """Of one value: how often it fell into each of `BINS` bins of equal width from `low` to `high`."""

    low: float
    high: float
    counts: np.ndarray


def ranges(model: onnx.ModelProto, job: dict[str, Any], progress: Progress) -> Ranges:
    """The range of each value that may be quantised, by `job["method"]`.

    What was observed is kept in the folder `job["work"]`: other methods and other layers in float32 need no further
    look at the photographs.
    """
    method = job.get("method", "minmax")
    if method not in METHODS:
        raise Failure(f"There is no calibration method {method}: {', '.join(METHODS)}.")
    tensors = open_tensors(job["calibration"])
    cache = Path(job["work"], f"calibration-{digest_of(model, tensors)}.npz")
    histograms = _read(cache)
    if histograms is None or set(histograms) != set(observed(model)):
        histograms = observe(model, tensors, progress)
        _write(cache, histograms)
    choose = {
        "minmax": lambda seen: (seen.low, seen.high),
        "entropy": by_entropy,
        "percentile": lambda seen: by_percentile(seen, float(job.get("percentile", 99.99))),
    }[method]
    return {name: choose(histogram) for name, histogram in histograms.items()}


def observe(model: onnx.ModelProto, tensors: np.ndarray, progress: Progress) -> dict[str, Histogram]:
    """Run the float32 network over `tensors` twice: once for the extremes of each value, once for its histogram."""
    names = observed(model)
    tapped = onnx.ModelProto()
    tapped.CopyFrom(model)
    known = {value.name for value in tapped.graph.output}
    wanted = [name for name in names if name not in {value.name for value in tapped.graph.input}]
    tapped.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in known)
    session = open_session(tapped)
    of = 2 * len(tensors)

    def passes(begun: int):  # noqa: ANN202
        done = begun
        for feed, rows in in_batches(session, tensors):
            progress.tell(done, of, "calibrating on photographs")
            yield dict(zip(wanted, run(session, feed, wanted), strict=True)) | feed
            done += rows

    lows = dict.fromkeys(names, np.inf)
    highs = dict.fromkeys(names, -np.inf)
    for values in passes(0):
        for name in names:
            lows[name] = min(lows[name], float(values[name].min()))
            highs[name] = max(highs[name], float(values[name].max()))
    unsound = next((name for name in names if not np.isfinite(lows[name] + highs[name])), None)
    if unsound is not None:
        raise Failure(f"The network gives values that are not numbers at {unsound}.")
    counts = {name: np.zeros(BINS, np.int64) for name in names}
    for values in passes(len(tensors)):
        for name in names:
            counts[name] += binned(values[name], lows[name], highs[name])
    progress.tell(of, of, "calibrating on photographs")
    return {name: Histogram(lows[name], highs[name], counts[name]) for name in names}


def observed(model: onnx.ModelProto) -> list[str]:
    """Float values that some choice of layers may quantise, in the order of the graph."""
    wiring = Wiring(model)
    seen: dict[str, None] = {}
    floats = {
        value.name
        for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    }
    for name in plan(model, ()).nodes:
        node = wiring.nodes[name]
        for value in [*node.input, *node.output]:
            readers = wiring.consumers[value]
            hidden = len(readers) == 1 and readers[0].op_type in ACTIVATIONS and value in node.output
            if value in floats and value not in wiring.initializers and not hidden:
                seen[value] = None
    return list(seen)


def binned(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """How many of `values` lie in each of `BINS` bins from `low` to `high`."""
    if high <= low:
        return np.bincount([0], [values.size], BINS).astype(np.int64)
    scaled = (values.reshape(-1) - np.float32(low)) * np.float32(BINS / (high - low))
    return np.bincount(np.minimum(scaled.astype(np.int32), BINS - 1), minlength=BINS)[:BINS]


def by_percentile(seen: Histogram, percentile: float) -> tuple[float, float]:
    """The range that leaves out (100 - percentile) % of the values on each side."""
    share = np.cumsum(seen.counts) / max(1, seen.counts.sum())
    outside = 1 - percentile / 100
    first = int(np.searchsorted(share, outside, side="right"))
    last = int(np.searchsorted(share, 1 - outside, side="left"))
    width = (seen.high - seen.low) / BINS
    return seen.low + first * width, min(seen.high, seen.low + (last + 1) * width)


def by_entropy(seen: Histogram) -> tuple[float, float]:
    """The range in which 8 bits lose the least information, as the divergence of Kullback and Leibler has it.

    https://on-demand.gputechconf.com/gtc/2017/presentation/s7310-8-bit-inference-with-tensorrt.pdf; values on both
    sides of zero are cut off at the same distance from it.
    """
    extent = max(abs(seen.low), abs(seen.high))
    if extent == 0 or seen.high <= seen.low:
        return seen.low, seen.high
    centres = seen.low + (np.arange(BINS) + 0.5) * (seen.high - seen.low) / BINS
    bins = np.minimum((np.abs(centres) / extent * BINS).astype(np.int64), BINS - 1)
    magnitudes = np.bincount(bins, weights=seen.counts, minlength=BINS)
    # Zero is represented exactly whatever the range: the many zeros of a ReLU would only drown the rest.
    magnitudes[0] = magnitudes[1]
    levels = LEVELS_ONE_SIDED if seen.low >= 0 or seen.high <= 0 else LEVELS_TWO_SIDED
    candidates = range(levels, BINS + 1, ENTROPY_STEP)
    kept = min(candidates, key=lambda end: divergence(magnitudes, end, levels))
    limit = kept / BINS * extent
    return max(seen.low, -limit), min(seen.high, limit)


def divergence(magnitudes: np.ndarray, end: int, levels: int) -> float:
    """Of the first `end` bins, all beyond cut off to the last of them, from the same in `levels` levels."""
    exact = magnitudes[:end].astype(np.float64)
    starts = np.arange(levels) * end // levels
    filled = exact > 0
    sums = np.add.reduceat(exact, starts)
    members = np.add.reduceat(filled.astype(np.float64), starts)
    level = np.repeat(np.arange(levels), np.diff(np.append(starts, end)))
    spread = np.where(filled, (sums / np.maximum(members, 1))[level], 0)
    exact[-1] += magnitudes[end:].sum()
    total, spread_total = exact.sum(), spread.sum()
    if total == 0 or spread_total == 0:
        return 0.0
    # What the levels have no share of costs as much as a share that is next to nothing.
    shares, levelled = exact / total, np.maximum(spread / spread_total, 1e-12)
    present = shares > 0
    return float(np.sum(shares[present] * np.log(shares[present] / levelled[present])))


def digest_of(model: onnx.ModelProto, tensors: np.ndarray) -> str:
    """16 hexadecimal characters that change when the model or any of the photographs does."""
    digest = hashlib.sha256(model.SerializeToString(deterministic=True))
    digest.update(f"{tensors.shape} {tensors.dtype}".encode())
    digest.update(np.ascontiguousarray(tensors).view(np.uint8).reshape(-1))
    return digest.hexdigest()[:16]


def _read(cache: Path) -> dict[str, Histogram] | None:
    try:
        with cache.open("rb") as file, np.load(file) as stored:
            names, limits, counts = stored["names"], stored["limits"], stored["counts"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    rows = zip(names.tolist(), limits.tolist(), counts, strict=True)
    return {name: Histogram(low, high, row) for name, (low, high), row in rows}


def _write(cache: Path, histograms: Mapping[str, Histogram]) -> None:
    with written_whole(cache) as file:
        np.savez_compressed(
            file,
            names=np.array(list(histograms)),
            limits=np.array([(seen.low, seen.high) for seen in histograms.values()]),
            counts=np.array([seen.counts for seen in histograms.values()]),
        )
