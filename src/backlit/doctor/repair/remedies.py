"""Which remedies a machine can apply, by the finding that they are for; for others someone has to decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backlit.doctor.repair import inputs, networks, settings
from backlit.doctor.repair.change import Change
from backlit.train.recipe import Recipe

Mend = Callable[[Recipe, Any], list[Change]]


def _through_time(recipe: Recipe, run: Any) -> list[Change]:
    """Gates, or an orthogonal start; and with gates larger steps for longer: what is far back is found late."""
    gated = networks.remembering(recipe, run)
    found = [*gated, *networks.tamed(recipe, run)]
    for change in gated[:1]:
        more = settings.patient(change.recipe)
        found += [
            Change(f"{change.words}, {more.words}, {rate.words}", rate.recipe)
            for rate in settings.rates(more.recipe, (10.0, 30.0))
        ]
    return found


def _source(recipe: Recipe, run: Any) -> list[Change]:
    return settings.on_scores(recipe, run) or networks.without_source(recipe, run) or settings.slower(recipe, run)


# Each gives the ways to mend a finding, of which the best is tried; none if there is nothing to do here. Missing inputs
# aren't among them, since `fit` refuses such rows: there is no run to mend.
MENDS: dict[str, Mend] = {
    "classes as numbers": settings.as_classes,
    "unscaled targets": settings.scaled_targets,
    "softmax twice": networks.without_end,
    "activation before the loss": networks.without_end,
    "softmax on one unit": networks.without_end,
    "targets out of reach": networks.without_end,
    "tiny batches in batch norm": settings.larger_batches,
    "no non-linearity": networks.bent,
    "constant initialisation": networks.start,
    "zero initialisation": networks.start,
    "initial weights too small": networks.start,
    "initial weights too large": networks.start,
    "negative bias": networks.start,
    "unscaled inputs": inputs.standardized,
    "off-centre inputs": inputs.standardized,
    "constant columns": inputs.without_constants,
    "unconnected layer": networks.connected,
    "saturating activations in depth": networks.flowing,
    "gradient vanishes through layers": networks.flowing,
    "gradient vanishes through time": _through_time,
    "gradient explodes through time": _through_time,
    "source of NaN": _source,
    "weight decay too strong": settings.less_decay,
    "learning rate too high": settings.slower,
    "learning rate too low": settings.faster,
    "dropout too strong": networks.thinner_dropout,
    "imbalance hidden by accuracy": settings.balanced,
    "too little capacity": networks.wider,
    "overfitting": settings.restrained,
    "stopped early": settings.longer,
}


def ways(name: str, recipe: Recipe, run: Any) -> list[Change]:
    """The ways to mend a finding of this name.

    Parameters
    ----------
    name : str
    recipe : Recipe
        What was trained, held-out rows by number (`Recipe.held`).
    run : Run
        What came of it.
    """
    return MENDS[name](recipe, run) if name in MENDS else []
