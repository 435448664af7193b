"""Writes the measured figures into the model card, between its markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .starting_weights import NOTICES

FILE = "MODEL_CARD.md"
INTERVALS = """\
Intervals are 95% intervals: Wilson's for shares, where photographs of one leaf count as one; of leaves drawn anew for
F1 and calibration error."""
SECTIONS = ("figures", "cross-validation", "comparison")


def percent(share: dict[str, Any]) -> str:
    """A share with its count and interval, in words."""
    if share["of"] == 0:
        return "no such answer"
    low, high = share["interval"]
    return f"{share['count'] / share['of']:.1%} ({share['count']} of {share['of']}; {low:.1%} to {high:.1%})"


def number(value: float, interval: tuple[float, float]) -> str:
    """A figure that is no share, with its interval, in words."""
    low, high = interval
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def calibration_error(crossed: dict[str, Any]) -> str:
    """The expected calibration error with its interval, in words."""
    low, high = crossed["expected_calibration_error_interval"]
    return f"{crossed['expected_calibration_error']:.1%} ({low:.1%} to {high:.1%})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _graph(metrics: dict[str, Any]) -> str:
    recipe = metrics["recipe"]
    return f"""\
{metrics['parameters']:,} parameters, {recipe['side']} x {recipe['side']} pixels, {recipe['epochs']} epochs of
{recipe['steps_per_epoch']} batches. ONNX and PyTorch differ by at most {metrics['largest_difference']:.1e} on
{metrics['compared']} photographs."""


def _calibration(calibration: dict[str, float]) -> str:
    return f"""\
temperature {calibration['temperature']:.3f}, HIGH from {calibration['high']:.3f}, MEDIUM from
{calibration['medium']:.3f}, unknown above {calibration['unknown']:.3f}."""


def _time(cost: dict[str, Any]) -> str:
    times = table(
        ["graph", "median ms", "lowest ms"],
        [
            [name, f"{cost[key + '_median_ms']:.2f}", f"{cost[key + '_lowest_ms']:.2f}"]
            for name, key in (
                ("this model", "model"),
                ("this model without the activation map", "without_map"),
                ("mobilenet_v3_small, random weights, 224 x 224", "mobilenet"),
            )
        ],
    )
    # The measuring itself keeps one core at work.
    busy = (
        ", so the machine was busy: the lowest values tell more than the medians" if cost["load_average"] > 1.3 else ""
    )
    return f"""\
### Time

Batch of one, one thread of ONNX Runtime, the three graphs in turns. Ratio to mobilenet_v3_small, of the
lowest values: {cost['ratio_to_mobilenet']:.2f}. Load average during the measurement {cost['load_average']:.1f}
on {cost['cores']} cores{busy}.

{times}
"""


def figures_of_all_leaves(metrics: dict[str, Any]) -> str:
    """The card's section of figures, as Markdown, for a network trained on all leaves."""
    leaves = metrics["leaves"]
    return f"""\
`model.onnx` (sha256 `{metrics['sha256']}`) was trained on all {leaves['photographs']:,} photographs of
{leaves['leaves']:,} leaves and on all pictures of something else, so nothing is left here to measure it with. What it
gets right is what cross-validation below says of networks trained alike, each without the part it was asked about.

{_graph(metrics)}

Its calibration is the median of theirs: {_calibration(metrics['calibration'])}

{_time(metrics['timing'])}"""


def figures(metrics: dict[str, Any]) -> str:
    """The card's section of figures, as Markdown, from what the evaluation and the timing measured."""
    crossed, leaves = metrics["crossed"], metrics["leaves"]
    summary = table(
        ["measure", "value"],
        [
            ["held-out photographs", f"{leaves['photographs']} of {leaves['leaves']} leaves"],
            ["right (top-1)", percent(metrics["right"])],
            ["macro F1", number(metrics["macro_f1"], metrics["macro_f1_interval"])],
            ["expected calibration error*", calibration_error(crossed)],
            ["answers called HIGH that are right*", percent(crossed["high_right"])],
            ["answers called MEDIUM that are right*", percent(crossed["medium_right"])],
            ["leaves called unknown*", percent(crossed["called_unknown"])],
            ["leaves answered LOW (unknown or unsure)*", percent(crossed["called_low"])],
        ],
    )
    classes = table(
        ["class", "found (recall)", "F1"],
        [[f"`{row['class_id']}`", percent(row["recall"]), f"{row['f1']:.3f}"] for row in metrics["classes"]],
    )
    conditions = table(
        ["the same leaves", "right (top-1)", "called unknown", "answered LOW"],
        [
            [name, percent(row["right"]), percent(row["called_unknown"]), percent(row["called_low"])]
            for name, row in metrics["conditions"].items()
        ],
    )
    foreign = table(
        ["pictures of something else", "called unknown", "answered LOW"],
        [
            [name, percent(row["called_unknown"]), percent(row["called_low"])]
            for name, row in metrics["foreign"].items()
        ],
    )
    return f"""\
One part of the leaves was held out from training, leaf by leaf: no photograph of a leaf in training, nor a copy of
it, is among those measured. The weights published are those that were measured; they were not trained again on all
leaves afterwards. Some categories of things, one class of apple leaves and three kinds of made pictures were held
out as a whole.

Measured on the exported file `model.onnx` (sha256 `{metrics['sha256']}`) through the server's own decoding,
preparing and judging (`bun run models:evaluate`). {INTERVALS}

{_graph(metrics)}

{summary}

\\* Calibration fitted on one half of the held-out leaves and judged on the other half, both ways round. The
manifest holds the one fitted on all of them: {_calibration(metrics['calibration'])}

### By class

{classes}

### Under what phones do

Same photographs as above, each changed once, judged by a calibration fitted on the other half of the leaves.

{conditions}

### Pictures of something else

None of these pictures was trained on; where it says so, nor was anything of their kind. Manifest's thresholds.

{foreign}

{_time(metrics['timing'])}"""


def _markers(section: str) -> tuple[str, str]:
    return f"<!-- {section}:begin (written by the training; do not edit by hand) -->", f"<!-- {section}:end -->"


def _new_card(name: str, version: str, network: str) -> str:
    sections = "\n\n".join("\n".join(_markers(section)) for section in SECTIONS)
    return f"""\
# {name} {version}

Names ten conditions of tomato leaves and three of potato leaves, and says when a picture is not something that it
knows: the classes, outputs and limits of `leaf-disease`, from another network ({network}). Trained and measured by
`models/leaf-disease/training`. An aid, not a diagnosis; not proven in the field.

The photographs that it learned from are PlantVillage's (Hughes and Salathé 2015), so these weights are under
**CC BY-SA 3.0**; pictures of other things are from Caltech-101 (Li, Andreeto, Ranzato, Perona 2003; CC BY 4.0).

{NOTICES[network]}

## What was measured

{sections}
"""


def start(directory: Path, network: str) -> None:
    """Write a card with nothing measured yet into a model's directory, <name>/<version>, if it has none."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / FILE
    if not file.exists():
        file.write_text(_new_card(directory.parent.name, directory.name, network))


def rewrite(directory: Path, section: str, text: str) -> None:
    """Replace what stands between the markers of `section`, in the card of a model's directory, by `text`."""
    file = directory / FILE
    begin, end = _markers(section)
    before, rest = file.read_text().split(begin, 1)
    _, after = rest.split(end, 1)
    file.write_text(f"{before}{begin}\n\n{text}\n{end}{after}")
