"""Which candidates of a space are tried: spread evenly, with no more forms than there is time to compile."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backlit.errors import InputError
from backlit.tuning.space import NUMBERS, Choice, Interval, Space

LISTED = 20_000  # spaces of so many candidates are listed, and drawn from without putting back
TRIALS_OF_FORM = 8  # a form is compiled for so many candidates, if there are many forms
FEWEST_OF_FORM = 4  # where there is time for as many candidates of each, all forms are tried
FEWEST_FORMS = 4
ROUNDS = 50


def count_of(space: Space) -> float:
    """How many different candidates a space has."""
    return math.prod(dimension.count for dimension in space.values())


def draw(space: Space, trials: int, seed: int = 0, first: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """So many different candidates.

    Each range is cut into as many parts as there are candidates, and each part is drawn from once (M. McKay, R.
    Beckman, W. Conover, "A Comparison of Three Methods for Selecting Values of Input Variables", 1979); values of a
    list come up equally often. What a program is compiled for (all but rates, decays, strengths, dropout and seeds) is
    drawn first, one form for about eight candidates if there are many.

    Parameters
    ----------
    space : Space
    trials : int
    seed : int
    first : mapping, optional
        The settings as they are without a search: they come first.

    Raises
    ------
    InputError
        If there are fewer different candidates.

    Examples
    --------
    >>> draw({"learning_rate": Interval(0.001, 0.1, log=True), "network": Choice(("linear", "mlp:8"))}, 2)
    [{'learning_rate': 0.00701, 'network': 'mlp:8'}, {'learning_rate': 0.0222, 'network': 'linear'}]
    """
    most = count_of(space)
    if trials > most:
        raise InputError(
            f"trials={trials}: there are only {int(most)} different candidates; try more values, or at most "
            f"{int(most)} trials"
        )
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, 0x7E57))))
    found = [dict(first)] if first is not None else []
    if most <= LISTED:
        every = [dict(zip(space, values, strict=True)) for values in itertools.product(*map(_values, space.values()))]
        found += [every[i] for i in rng.permutation(len(every)) if every[i] not in found]
        return found[:trials]
    for _ in range(ROUNDS):
        for candidate in _spread(space, trials, rng):
            if candidate not in found:
                found.append(candidate)
        if len(found) >= trials:
            break
    return found[:trials]


def _values(dimension: Interval | Choice) -> Sequence[Any]:
    if isinstance(dimension, Choice):
        return dimension.values
    return range(int(dimension.low), int(dimension.high) + 1) if dimension.whole else (dimension.low,)


def _spread(space: Space, trials: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    forms = {name: dimension for name, dimension in space.items() if name not in NUMBERS}
    every = math.prod(dimension.count for dimension in forms.values())
    count = (
        int(every) if every <= trials // FEWEST_OF_FORM else min(trials, max(trials // TRIALS_OF_FORM, FEWEST_FORMS))
    )
    if every <= count:
        shapes = [dict(zip(forms, values, strict=True)) for values in itertools.product(*map(_values, forms.values()))]
        rng.shuffle(shapes)
    else:
        shapes = _latin(forms, count, rng)
    numbers = _latin({name: space[name] for name in space if name in NUMBERS}, trials, rng)
    drawn = [shapes[i % len(shapes)] | own for i, own in enumerate(numbers)]
    return [{name: candidate[name] for name in space} for candidate in drawn]


def _latin(space: Space, count: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """So many points, each dimension's spread evenly."""
    columns = {
        name: [dimension.at(share) for share in (rng.permutation(count) + rng.random(count)) / count]
        for name, dimension in space.items()
    }
    return [{name: columns[name][i] for name in space} for i in range(count)]
