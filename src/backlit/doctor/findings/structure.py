"""Findings about the network's structure: nothing that bends, tiny batches in batch norm, layers without gradient."""

from __future__ import annotations

import math
from typing import Any

from backlit.doctor.catalogue import finding
from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Finding
from backlit.doctor.symptoms import dead, seen

LINEAR = ("Linear", "Conv1d", "Conv2d", "DropConnect")
STRAIGHT = (
    "Flatten",
    "Reshape",
    "Identity",
    "Dropout",
    "AvgPool1d",
    "AvgPool2d",
    "GlobalAvgPool",
    "Rescale",
    "BatchNorm",
)
FEWEST = 4  # numbers of which a mean and a variance can be taken


def straight(e: Evidence) -> list[Finding]:
    """Two linear layers with nothing that bends between them."""
    if not e.plain:
        return []
    for part, after in zip(e.weighted, e.weighted[1:], strict=False):
        between = e.follows(part)
        if part.kind not in LINEAR or after.kind not in LINEAR or any(own.kind not in STRAIGHT for own in between):
            continue
        if part.output[-1] < min(math.prod(part.shape), after.output[-1]):
            continue  # a bottleneck is a deliberate low rank
        if part.kind != "Linear" and after.kind != "Linear" and part.layer.kernel != after.layer.kernel:  # type: ignore[attr-defined]
            continue  # a convolution in two directions
        severity = "remark" if e.well else "alarm"
        where = f"layers {part.path} ({part.layer}) and {after.path} ({after.layer})"
        source = "W₂(W₁x + b₁) + b₂ = (W₂W₁)x + (W₂b₁ + b₂)"
        told = finding("no non-linearity", where, "activations between", 0.0, 1.0, source, severity, seen(e))
        return [told]
    return []


def batch_norm(e: Evidence) -> list[Finding]:
    """Batch norm on hardly any rows."""
    for part in e.parts:
        if part.kind != "BatchNorm" or not e.batch_size:
            continue
        count = e.batch_size * math.prod(part.shape[:-1])
        if count < FEWEST:
            severity = "remark" if e.well else "alarm"
            where = f"layer {part.path}: {count} number{'s' if count > 1 else ''} a unit in each batch"
            source = "of n numbers, the relative error of a standard deviation is 1/√(2(n - 1))"
            name, measure = "tiny batches in batch norm", "numbers"
            return [finding(name, where, measure, float(count), float(FEWEST), source, severity, seen(e))]
    return []


def unconnected(e: Evidence) -> list[Finding]:
    """Weights with a gradient of exactly zero at every look."""
    records = [e.start, *e.looks] if e.start.get("params") else e.looks
    records = [record for record in records if "gradient_norm" in next(iter(record.get("params", {}).values()), {})]
    if not records or e.diverged is not None or dead(records[0])[1] == 1.0:
        return []
    weights = e.start.get("weights", {})
    silent = [
        path
        for path in records[0]["params"]
        if path.rsplit("/", 1)[-1] == "weight"
        and all(record["params"].get(path, {}).get("gradient_norm") == 0 for record in records)
    ]
    if not silent or any(own.get("rms") == 0 and "alike" in own for own in weights.values()):
        return []
    where = ", ".join(silent[:4]) + (f" and {len(silent) - 4} more" if len(silent) > 4 else "")
    source = "exactly 0 at every look"
    return [finding("unconnected layer", where, "‖∂L/∂w‖", 0.0, 0.0, source, consequences=seen(e))]


def frozen(e: Evidence) -> list[Finding]:
    """Weights that have a gradient, but never an update, while others move."""
    records = [own["params"] for own in e.looks if own.get("params")]
    if not records or e.diverged is not None:
        return []
    weights = [path for path in records[0] if path.rsplit("/", 1)[-1] == "weight"]
    still = [path for path in weights if all(_still(own.get(path, {})) for own in records)]
    if not still or len(still) == len(weights):
        return []  # if none moves, it is the learning rate
    where = ", ".join(still[:4]) + (f" and {len(still) - 4} more" if len(still) > 4 else "")
    source = "exactly 0 at every look, with a gradient that isn't"
    severity = "remark" if e.well else "alarm"  # it may be meant so
    return [finding("frozen layer", where, "‖Δw‖ / ‖w‖", 0.0, 0.0, source, severity, seen(e))]


def _still(own: dict[str, Any]) -> bool:
    return bool(own.get("gradient_norm")) and own.get("update_ratio") == 0


RULES = (straight, batch_norm, unconnected, frozen)
