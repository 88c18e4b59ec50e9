"""Symptoms: what can be seen of a network in trouble. They are no findings; causes list them as consequences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backlit.doctor.evidence import Evidence

MOST_OFF = 0.5  # of a layer's units or values; a ReLU layer that works has hardly any unit off for all rows
OFTEN_OFF = ("ReLU", "Sigmoid", "Tanh", "RNN", "ELU", "SELU", "GELU", "SiLU", "Softplus")


def worst(record: dict[str, Any], number: str, kinds: tuple[str, ...] = OFTEN_OFF) -> tuple[str, float]:
    """The layer of some kinds with the greatest value of a number, and that value; ("", 0) if there is none."""
    found = [
        (own[number], path)
        for path, own in record.get("layers", {}).items()
        if own.get("layer") in kinds and own.get(number) is not None
    ]
    value, path = max(found, default=(0.0, ""))
    return path, float(value)


def dead(record: dict[str, Any]) -> tuple[str, float]:
    """The layer with the largest share of units that are off for all rows, of the rectifiers."""
    return worst(record, "dead", ("ReLU",))


def saturated(record: dict[str, Any]) -> tuple[str, float]:
    """The layer with the largest share of saturated values, of sigmoids, tanh and simple recurrent layers."""
    return worst(record, "saturated", ("Sigmoid", "Tanh", "RNN"))


def spread_of_gradient(e: Evidence, record: dict[str, Any]) -> float | None:
    """‖∂L/∂a‖ at the first weighted layer over that at the last: far below 1 it vanishes, far above it explodes."""
    norms = [
        record.get("layers", {}).get(part.path or "network", {}).get("gradient_norm")
        for part in e.weighted
        if not part.layer.recurrent
    ]
    known = [norm for norm in norms if norm is not None]
    if len(known) < 3 or not known[-1]:
        return None
    return float(known[0] / known[-1])


def through_time(record: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Of each recurrent layer: its path, and two ratios of ‖∂L/∂hₜ‖.

    That of the first steps over the greatest, and that of the first third over the last third's.
    """
    found = []
    for path, own in record.get("layers", {}).items():
        norms = np.array([value or 0.0 for value in own.get("steps", {}).get("gradient_norm", [])], dtype=float)
        if len(norms) < 8 or not norms.max() > 0:
            continue
        first = norms[: max(1, len(norms) // 10)].max() / norms.max()
        third = len(norms) // 3
        found.append((path, float(first), float(norms[:third].max() / max(norms[-third:].max(), 1e-300))))
    return found


def first_loss(e: Evidence) -> float | None:
    """The loss before the first update over that of guessing."""
    loss = e.start.get("loss")
    return None if loss is None or not e.guess else float(loss / e.guess)


def seen(e: Evidence) -> tuple[str, ...]:
    """What was seen of trouble, in words."""
    told = []
    record = e.last
    path, share = dead(record)
    if share >= MOST_OFF:
        told.append(f"{share:.0%} of the ReLU units of layer {path} are off for every row")
    path, share = saturated(record)
    if share >= MOST_OFF:
        told.append(f"{share:.0%} of the values of layer {path} are saturated")
    spread = spread_of_gradient(e, record)
    if spread is not None and spread < 1e-2:
        told.append(f"the gradient at the first layer is {spread:.1e} of that at the last")
    if spread is not None and spread > 1e2:
        told.append(f"the gradient at the first layer is {spread:.1e} times that at the last")
    ratio = first_loss(e)
    if ratio is not None and ratio > 3:
        told.append(f"the first loss is {ratio:.3g} times that of guessing")
    if e.diverged is not None:
        told.append(f"training turned NaN or infinite in epoch {e.diverged.epoch}: {e.diverged.layer}")
    elif e.trained:
        skill = e.skill(e.held)
        if skill is not None and skill < 0.02 and math.isfinite(skill):
            told.append("the loss ends no better than that of guessing")
        if wavering(e) > 0.3:
            told.append("the training loss rises as often as it falls")
    return tuple(told)


def wavering(e: Evidence) -> float:
    """How far the training loss goes up in its second half, as a share of what guessing would lose.

    The mean of the rises from one epoch to the next.
    """
    losses = e.column("loss")
    late = losses[len(losses) // 2 :]
    if len(late) < 4 or not e.guess:
        return 0.0
    rises = np.diff(late)
    return (
        float(np.where(rises > 0, rises, 0).sum() / max(1, (rises > 0).sum()) / e.guess) if (rises > 0).any() else 0.0
    )
