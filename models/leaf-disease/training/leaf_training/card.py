"""Writes the measured figures into the model card, between its markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures:begin (written by the training; do not edit by hand) -->", "<!-- figures:end -->"


def _percent(share: dict[str, Any]) -> str:
    if share["of"] == 0:
        return "no such answer"
    low, high = share["interval"]
    return f"{share['count'] / share['of']:.1%} ({share['count']} of {share['of']}; {low:.1%} to {high:.1%})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figures(metrics: dict[str, Any]) -> str:
    """The card's section of figures, as Markdown, from what the evaluation and the timing measured."""
    crossed, calibration, cost = metrics["crossed"], metrics["calibration"], metrics["timing"]
    leaves = metrics["leaves"]
    summary = _table(
        ["measure", "value"],
        [
            ["held-out photographs", f"{leaves['photographs']} of {leaves['leaves']} leaves"],
            ["right (top-1)", _percent(metrics["right"])],
            ["macro F1", f"{metrics['macro_f1']:.3f}"],
            ["expected calibration error*", f"{crossed['expected_calibration_error']:.1%}"],
            ["answers called HIGH that are right*", _percent(crossed["high_right"])],
            ["answers called MEDIUM that are right*", _percent(crossed["medium_right"])],
            ["leaves called unknown*", _percent(crossed["called_unknown"])],
            ["leaves answered LOW (unknown or unsure)*", _percent(crossed["called_low"])],
        ],
    )
    classes = _table(
        ["class", "found (recall)", "F1"],
        [[f"`{row['class_id']}`", _percent(row["recall"]), f"{row['f1']:.3f}"] for row in metrics["classes"]],
    )
    conditions = _table(
        ["the same leaves", "right (top-1)", "called unknown", "answered LOW"],
        [
            [name, _percent(row["right"]), _percent(row["called_unknown"]), _percent(row["called_low"])]
            for name, row in metrics["conditions"].items()
        ],
    )
    foreign = _table(
        ["pictures of something else", "called unknown", "answered LOW"],
        [
            [name, _percent(row["called_unknown"]), _percent(row["called_low"])]
            for name, row in metrics["foreign"].items()
        ],
    )
    timing = _table(
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
    recipe = metrics["recipe"]
    # The measuring itself keeps one core at work.
    busy = (
        ", so the machine was busy: the lowest values tell more than the medians" if cost["load_average"] > 1.3 else ""
    )
    return f"""\
Measured on the exported file `model.onnx` (sha256 `{metrics['sha256']}`) with ONNX Runtime and Pillow's
decoding; intervals are 95% Wilson intervals. {metrics['parameters']:,} parameters, {recipe['side']} x {recipe['side']}
pixels, {recipe['epochs']} epochs of {recipe['steps_per_epoch']} batches. ONNX and PyTorch differ by at most
{metrics['largest_difference']:.1e} on {metrics['compared']} photographs.

{summary}

\\* Calibration fitted on one half of the held-out leaves and judged on the other half, both ways round. The
manifest holds the one fitted on all of them: temperature {calibration['temperature']:.3f}, HIGH from
{calibration['high']:.3f}, MEDIUM from {calibration['medium']:.3f}, unknown above {calibration['unknown']:.3f}.

### By class

{classes}

### Under what phones do

Manifest's thresholds; same photographs as above, each changed once.

{conditions}

### Pictures of something else

None of these pictures was trained on; where it says so, nor was anything of their kind.

{foreign}

### Time

Batch of one, one thread of ONNX Runtime, the three graphs in turns. Ratio to mobilenet_v3_small, of the
lowest values: {cost['ratio_to_mobilenet']:.2f}. Load average during the measurement {cost['load_average']:.1f}
on {cost['cores']} cores{busy}.

{timing}
"""


def rewrite(card: Path, metrics: dict[str, Any]) -> None:
    """Replace what stands between the card's markers by the figures in `metrics`."""
    text = card.read_text()
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    card.write_text(f"{before}{BEGIN}\n\n{figures(metrics)}\n{END}{after}")
