"""Candidates: what the findings leave open, put together: their remedies, rates, and what is usual otherwise."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backlit.doctor.repair import inputs, networks, settings, updates
from backlit.doctor.repair.change import Change, Remedy
from backlit.errors import BacklitError
from backlit.languages import join
from backlit.train.recipe import Recipe

RATES = (3.0, 0.3, 10.0, 0.1, 30.0)  # times the present one
FEW = 3  # ways of a finding that are tried with other rates, too
AFTER = "to suit the mended network"
# What may help whatever was found, as far as it isn't so already; the ways of each, of which the first few are tried.
USUAL: tuple[tuple[Remedy, int], ...] = (
    (inputs.standardized, 1),
    (networks.start, 1),
    (networks.flowing, 2),
    (networks.wider, 1),
    (updates.unhindered, 1),
    (settings.scaled_targets, 1),
    (settings.restrained, 4),
    (settings.less_decay, 2),
    (networks.thinner_dropout, 2),
    (settings.larger_batches, 2),
)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A change that competes with others.

    Attributes
    ----------
    name : str
        The finding that it is a remedy of.
    change : Change
    foreign : int
        How many of its parts are no finding's remedies: of two as good as each other the one with fewer is taken.
    """

    name: str
    change: Change
    foreign: int = 0


@dataclass(frozen=True, eq=False)
class Option:
    """The ways to mend one finding."""

    name: str
    make: Callable[[Recipe], list[Change]]
    ways: list[Change]


def open_ways(name: str, remedy: Callable[[Recipe, Any], list[Change]], recipe: Recipe, run: Any) -> Option:
    """A finding's ways on a recipe; none where they can't be built."""

    def make(other: Recipe) -> list[Change]:
        with contextlib.suppress(BacklitError):
            return remedy(other, run)
        return []

    return Option(name, make, make(recipe))


def joined(first: Change, more: Change) -> Change:
    """Two changes, the second of which was made on the first one's recipe."""
    config = None if first.config is None or more.config is None else first.config | more.config
    criterion = next((own for own in (first.criterion, more.criterion) if own != "loss"), "loss")
    return dataclasses.replace(more, words=join("; ", [first.words, more.words]), criterion=criterion, config=config)


def _is_rate(change: Change) -> bool:
    return change.words.startswith("learning rate")


def candidates(
    options: Sequence[Option], recipe: Recipe, run: Any, free: bool, several: bool, most: int | None = None
) -> list[Candidate]:
    """What competes, the most plausible first.

    Parameters
    ----------
    options : sequence of Option
        The findings' remedies, causes first.
    free : bool
        Whether rates and what is usual are open, too.
    several : bool
        Whether there are several inputs or outputs, whose networks are left as they are.
    most : int, optional
        How many are wanted: more aren't built.
    """
    own = [Candidate(option.name, way) for option in options for way in option.ways]
    pairs = _pairs(options)
    if not free:
        return _once(itertools.chain(own, pairs), most)
    known = {candidate.change.words for candidate in own}
    usual = [
        Candidate(AFTER, way, 1)
        for remedy, count in USUAL
        if not several or remedy in (*settings.OF_TRAINING, inputs.standardized)
        for way in open_ways(AFTER, remedy, recipe, run).ways[:count]
        if way.words not in known
    ]
    rates = [Candidate(AFTER, way, 1) for way in settings.rates(recipe, RATES) if way.words not in known]
    of_own = _with_rates(itertools.chain(*(own_of(option)[:FEW] for option in options)))
    mixed = (one for some in itertools.zip_longest(rates, of_own, pairs, usual) for one in some if one is not None)
    return _once(itertools.chain(own, mixed, _with_rates(usual)), most)


def _with_rates(some: Iterable[Candidate]) -> Iterator[Candidate]:
    """Candidates with other rates, too, each built when it is asked for."""
    for one in some:
        if not _is_rate(one.change):
            for way in settings.rates(one.change.recipe, RATES[:3]):
                yield Candidate(one.name, joined(one.change, way), one.foreign + 1)


def own_of(option: Option) -> list[Candidate]:
    """A finding's remedies."""
    return [Candidate(option.name, way) for way in option.ways]


def _pairs(options: Sequence[Option]) -> Iterator[Candidate]:
    """Remedies of two findings at once, each built when it is asked for: that may take a pass over the data."""
    for first, second in itertools.combinations(options, 2):
        for way in first.ways[:FEW]:
            for more in second.make(way.recipe)[:FEW]:
                yield Candidate(first.name, joined(way, more))


def _once(found: Iterable[Candidate], most: int | None) -> list[Candidate]:
    """Each change once, and at most so many."""
    once: dict[str, Candidate] = {}
    for one in found:
        if len(once) == most:
            break
        once.setdefault(one.change.words, one)
    return list(once.values())
