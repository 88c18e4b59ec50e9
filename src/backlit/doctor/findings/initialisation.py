"""Findings about where weights and biases start, against what keeps variances: Glorot and He."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from backlit.doctor.catalogue import finding
from backlit.doctor.evidence import Evidence, Part
from backlit.doctor.finding import Finding
from backlit.doctor.symptoms import MOST_OFF, dead, first_loss, saturated, seen

_THEORY = "Glorot & Bengio 2010, He et al. 2015"
TINY = 0.1  # of the least standard deviation that theory has for the shape: clearly no choice of theory
SHRUNK, BADLY_SHRUNK = 0.1, 0.01  # what all hidden layers together leave of a signal: trouble; trouble for certain
HUGE = 3.0  # times the greatest that theory has
GROWN = 10.0  # what all layers together make of a signal
NORMS = ("BatchNorm", "LayerNorm")


def expected(shape: tuple[int, ...], gates: int = 1) -> tuple[float, float]:
    """The least and the greatest standard deviation that theory has for a weight (units, ..., inputs).

    √(2 / (in + out)), √(1 / in) and √(2 / in).

    Examples
    --------
    >>> [round(bound, 3) for bound in expected((100, 50))]
    [0.115, 0.2]
    """
    into = math.prod(shape[1:])
    out = shape[0] // gates * math.prod(shape[1:-1])
    found = math.sqrt(2 / (into + out)), math.sqrt(1 / into), math.sqrt(2 / into)
    return min(found), max(found)


def _weights(e: Evidence) -> list[tuple[Part, str, dict[str, Any], tuple[float, float]]]:
    """Each weight of each layer: the layer, path, what is known of its start, what theory has."""
    told = e.start.get("weights", {})
    found = []
    for part in e.weighted:
        gates = len(getattr(part.layer, "gates", ("",)))
        for path, leaf in e.weights(part).items():
            if path in told and part.kind not in ("Embedding", "EmbedColumns"):
                found.append((part, path, told[path], expected(np.shape(leaf), gates)))
    return found


def alike(e: Evidence) -> list[Finding]:
    """Hidden units that start as copies of each other, or at zero, and can't part."""
    weights = _weights(e)
    layers = list(dict.fromkeys(part for part, *_ in weights))
    if e.fitted:
        return []
    for part, after in itertools.pairwise(layers):
        own = [told for other, _, told, _ in weights if other is part]
        leaving = [told for other, _, told, _ in weights if other is after]
        zero = all(told["rms"] == 0 for told in own)
        copies = all(told.get("alike") for told in own)
        parted = not all(told.get("columns") or told["rms"] == 0 for told in leaving)
        activation = e.activation_of(part)
        stuck = zero and activation is not None and activation.kind == "ReLU"
        if part.skipped or not copies or (parted and not stuck) or part.output[-1] < 2:
            continue
        name = "zero initialisation" if zero else "constant initialisation"
        where = f"layer {part.path or 'network'}: {part.output[-1]} units"
        source = "equal weights get equal gradients"
        return [finding(name, where, "units that differ", 0.0, 1.0, source, consequences=seen(e))]
    return []


def size(e: Evidence) -> list[Finding]:
    """Weights that shrink or blow up the signal."""
    if e.fitted:
        return []
    weights = _weights(e)
    scaled = [
        (path, told["rms"] / low, told["rms"] / high, part)
        for part, path, told, (low, high) in weights
        if not part.skipped and not any(own.kind in NORMS for own in e.follows(part)[:1]) and told["rms"] > 0
    ]
    if not scaled:
        return []
    last = weights[-1][1]
    hidden = [own for own in scaled if own[0] != last] or scaled
    shrinking = math.prod(min(1.0, low) for _, low, _, _ in hidden)
    growing = math.prod(max(1.0, high) for _, _, high, _ in scaled)
    least = min(hidden, key=lambda own: own[1])
    most = max(scaled, key=lambda own: own[2])
    limit = SHRUNK if e.trained else BADLY_SHRUNK
    if shrinking < limit:
        where = f"{least[0]} and the like: {least[1]:.2g} times what theory has"
        measure = "share of the signal that hidden layers leave"
        return [finding("initial weights too small", where, measure, shrinking, limit, _THEORY, consequences=seen(e))]
    harmed = (first_loss(e) or 0) > 3 or saturated(e.start)[1] > MOST_OFF or bool(e.trained)
    if most[2] > HUGE and growing > (HUGE if e.trained else GROWN) and harmed:
        where = f"{most[0]}: {most[2]:.3g} times what theory has"
        measure = "standard deviation over the greatest in theory"
        return [finding("initial weights too large", where, measure, most[2], HUGE, _THEORY, consequences=seen(e))]
    return []


def bias(e: Evidence) -> list[Finding]:
    """Biases below what their unit's weights bring: ReLU units that are off from the start."""
    path, share = dead(e.start)
    if share < MOST_OFF or e.fitted:
        return []
    told = e.start["weights"]
    for part in e.weighted:
        after = e.activation_of(part)
        own = told.get(f"{part.path}/bias")
        if own is None or after is None or after.path != path or own["mean"] >= 0:
            continue
        spread = e.start["layers"].get(part.path, {}).get("std") or 0.0
        if -own["mean"] > spread and -own["mean"] > 0.1:
            where = f"{part.path}/bias: mean {own['mean']:.3g}, the unit's input varies by {spread:.3g}"
            source = "half of the units: with a bias of 0, hardly any is off for all rows"
            follows = seen(e)
            measure = f"share of layer {path}'s units that are off"
            return [finding("negative bias", where, measure, share, MOST_OFF, source, consequences=follows)]
    return []


RULES = (alike, size, bias)
