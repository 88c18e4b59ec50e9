"""Findings about targets, the last layer and the loss, and whether they go together."""

from __future__ import annotations

import math

from backlit.doctor.catalogue import finding
from backlit.doctor.evidence import Evidence, Part
from backlit.doctor.finding import Finding
from backlit.doctor.noise import of_share
from backlit.doctor.symptoms import seen

OUT_OF_REACH = 0.05  # of the targets' range that lies outside the activation's
AGREE = 0.6  # of nearest neighbours have the very same whole number: then it names a class
ABOVE_CHANCE = 0.25
LARGE, VERY_LARGE = 10.0, 30.0  # root mean square of the targets: trouble if nothing is learned; in any case
FEWEST_CLASSES, MOST_CLASSES = 3, 30


def _last(e: Evidence) -> tuple[str, str]:
    """Path and kind of the last layer that does anything."""
    for part in reversed(e.parts):
        if part.kind not in ("Dropout", "Identity", "Flatten", "Reshape"):
            return part.path or "network", part.kind
    return "", ""


def last_activation(e: Evidence) -> list[Finding]:
    """An activation before a loss that brings its own, or that can't give the targets."""
    path, kind = _last(e)
    part = next((own for own in reversed(e.parts) if (own.path or "network") == path), None)
    if part is None:
        return []
    units, own = e.network.output_shape[-1], getattr(e.loss, "activation", None)
    where = f"layer {path}, {kind}, before {e.loss}"
    if kind == "Softmax" and units == 1:
        return [finding("softmax on one unit", where, "units", 1.0, 2.0, "e^s / e^s = 1", consequences=seen(e))]
    if kind == "Softmax" and own == "softmax":
        floor = math.log(math.e + units - 1) - 1
        source = f"ln(e + {units} - 1) - 1, at scores 1 and 0"
        return [finding("softmax twice", where, "least loss", floor, 0.0, source, consequences=seen(e))]
    if own in ("softmax", "sigmoid") and part.layer.facts is not None and part.layer.facts.bends:
        facts = part.layer.facts
        if math.isinf(facts.low) and math.isinf(facts.high):
            return []  # it reaches every number
        floor = _floor(own, units, facts.low, facts.high)
        said = "sigmoid" if own == "sigmoid" else "softmax"
        return [
            finding("activation before the loss", where, "least loss of the hardest class", floor, 0.0,
                    f"the loss takes scores and applies a {said} itself", consequences=seen(e))
        ]  # fmt: skip
    if own == "identity" and kind not in ("Softmax", "Sigmoid"):
        source = "-ln p needs p in (0, 1]"
        remedy = 'bl.fit(..., loss="cross_entropy")  # takes scores'
        return [finding("source of NaN", where, "outputs below", None, 0.0, source, remedy=remedy)]
    return _reach(e, path, part)


def _floor(own: str, units: int, low: float, high: float) -> float:
    """The least loss for the class that is hardest to say, with scores from `low` to `high`."""
    if own == "sigmoid":  # the class 0 wants a low score, the class 1 a high one
        return max(math.log1p(math.exp(min(low, 50.0))) if low > -50 else 0.0, math.log1p(math.exp(-min(high, 50.0))))
    gap = min(high - low, 50.0)
    return math.log1p((units - 1) * math.exp(-gap))


def _reach(e: Evidence, path: str, part: Part) -> list[Finding]:
    facts, kind = part.layer.facts, part.kind
    low, high = e.targets.get("low"), e.targets.get("high")
    if facts is None or low is None or high is None or not high > low:
        return []
    outside = max(facts.low - low, 0.0) + max(high - facts.high, 0.0)
    share = outside / (high - low)
    if share <= OUT_OF_REACH:
        return []
    where = f"layer {path}, {kind}, gives {facts.low:g} to {facts.high:g}; the targets are {low:.4g} to {high:.4g}"
    source = "a twentieth of the targets' range: some noise may stick out"
    measure = "share of the targets' range"
    return [finding("targets out of reach", where, measure, share, OUT_OF_REACH, source, consequences=seen(e))]


def classes_as_numbers(e: Evidence) -> list[Finding]:
    """Whole numbers that name classes, learned by a loss for numbers."""
    told, simple = e.targets, e.data.get("reference") or {}
    if e.data.get("kind") != "number" or not told.get("whole") or "agreement" not in simple:
        return []
    if not FEWEST_CLASSES <= (told.get("distinct") or 0) <= MOST_CLASSES or e.network.output_shape[-1] != 1:
        return []
    limit = max(AGREE, simple["chance"] + ABOVE_CHANCE + 2 * of_share(simple["chance"], simple["rows"]))
    if simple["agreement"] < limit:
        return []
    where = f"the targets are {told['distinct']} whole numbers; nearest neighbours mostly have the same one"
    source = "names of classes repeat among neighbours; measured numbers only come near"
    return [finding("classes as numbers", where, "neighbours that agree", simple["agreement"], limit, source)]


def scale_of_targets(e: Evidence) -> list[Finding]:
    """Numbers far from mean 0 and variance 1, that weren't learned."""
    mean, std = e.targets.get("mean"), e.targets.get("std")
    if e.data.get("kind") != "number" or mean is None or not std or last_activation(e):
        return []
    size = math.hypot(mean, std)
    if size <= (LARGE if e.trained else VERY_LARGE) or e.well:
        return []
    where = f"mean {mean:.4g}, standard deviation {std:.4g}"
    source = "mean 0 and variance 1, as of all that a network works on: LeCun et al., Efficient BackProp, 1998"
    limit = LARGE if e.trained else VERY_LARGE
    severity = "alarm" if e.trained else "remark"  # the output layer alone may well travel there
    return [finding("unscaled targets", where, "root mean square", size, limit, source, severity, seen(e))]


RULES = (last_activation, classes_as_numbers, scale_of_targets)
