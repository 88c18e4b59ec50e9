"""`Run.fix`: remedies tried in the order of the findings, each kept only if held-out rows are predicted better."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.errors import BacklitError, BacklitWarning, InputError
from backlit.inspect.doctor.diagnose import diagnose
from backlit.inspect.doctor.finding import Diagnosis, Finding
from backlit.inspect.doctor.mending import held, settings
from backlit.inspect.doctor.mending.change import Change
from backlit.inspect.doctor.mending.remedies import MENDS, ways
from backlit.inspect.doctor.mending.repair import Attempt, Repair
from backlit.train.recipe import Recipe, recipe_of

SEEDS, ROUNDS = 3, 5
SUITED, AFTER = 3, "to suit the mended network"  # times that rate and length are looked at again after mending
UNLIKELY = 0.5  # chance that a gain is noise, beyond which more seeds aren't worth their time
Progress = Callable[[str, float], None]


class StoppedError(Exception):
    """Training was stopped by the user."""


class Bench:
    """Where networks are trained and judged, each recipe and seed once."""

    def __init__(self, recipe: Recipe, seeds: int, progress: Progress | None = None) -> None:
        self.seed, self.seeds, self.progress = recipe.seed, seeds, progress
        self.trainings, self.share, self.stage = 0, 0.0, ""
        self._known: dict[tuple[int, int], held.Judged] = {}
        self._kept: list[Recipe] = []  # so that their ids stay theirs

    def know(self, recipe: Recipe, run: Any) -> None:
        """Take a run as what the recipe gives with its own seed."""
        self._kept.append(recipe)
        self._known[id(recipe), 0] = held.judged(run, recipe)

    def trial(self, recipe: Recipe, number: int) -> held.Judged:
        """What comes of a recipe with the first, second … seed."""
        key = id(recipe), number
        if key not in self._known:
            if self.progress:
                self.progress(self.stage, self.share)
            # Only the first is diagnosed, and probes don't change what is learned.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", BacklitWarning)  # told of the original, and not to be told again
                run = recipe.fit(seed=self.seed + number, probes=None if number else "standard", progress=False)
            self.trainings += 1
            if run.stopped == "interrupted":
                raise StoppedError
            self._kept.append(recipe)
            self._known[key] = held.judged(run, recipe)
        return self._known[key]


def fix(
    run: Any,
    x: Any = None,
    y: Any = None,
    *,
    seeds: int = SEEDS,
    rounds: int = ROUNDS,
    suit: bool = True,
    progress: Progress | None = None,
    recipe: Recipe | None = None,
    **options: Any,
) -> Repair:
    """Apply the remedies of a run's diagnosis, train again, keep what helps.

    Findings are taken in their order, causes first; what was taken to follow from a cause comes next if its own remedy
    doesn't help. Each remedy is tried by itself: the network is trained again, from the same seed, and judged on the
    rows that the run holds back (a fifth, if it holds back none). Of several ways to the same end the best with that
    seed is tried with others. It is kept if the held-out loss is lower beyond the noise of seeds and rows, and by at
    least a hundredth: see `compare`. What is kept is diagnosed again; at last, other rates and lengths of training are
    tried in the same way, since what suited the sick network needn't suit the mended one. Test rows, if there are any,
    decide nothing.

    Parameters
    ----------
    run : Run
        Stays as it is, and so does its folder.
    x, y : as given to `fit`, optional
        Needed for loaded runs.
    seeds : int
        Pairs of trainings, before and after, that decide; up to twice as many where they don't.
    rounds : int
        Most remedies that are kept.
    suit : bool
        Whether rates and lengths of training that suit the mended network are tried at last.
    progress : callable, optional
        ``progress(what, share done)`` is told what is being tried.
    recipe : Recipe, optional
        What trained the run, if it doesn't know itself.
    **options
        Of `fit`, where a loaded run's folder doesn't tell them: penalty, validation, sample_weight. Callbacks aren't
        called.

    Returns
    -------
    Repair

    Raises
    ------
    InputError
        If the data is needed and wasn't given, or isn't that of the training; if the run has nothing to judge by.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> net = bl.Sequential(bl.Linear(8), bl.Tanh(), bl.Linear(1))
    >>> run = bl.fit(net, x, x.sum(axis=1), optimizer=bl.SGD(1e-6), validation=0.3, engine="numpy")
    >>> print(run.fix(rounds=1, suit=False).kept[0].change)
    learning rate 1e-06 → 0.01
    """
    for name, value, least in (("seeds", seeds, 2), ("rounds", rounds, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{name} must be a whole number of at least {least}, got {value!r}")
    given = recipe if recipe is not None else recipe_of(run, x, y, **options)
    first = given.held()
    bench = Bench(first, seeds, progress)
    mender = Mender(bench, first, run)
    interrupted = False
    try:
        if _as_trained(run, given):
            bench.know(first, run)
        mender.work(diagnose(run) if run.probes else bench.trial(first, 0).run.diagnose(), rounds)
        if suit:
            mender.suit()
        mended = _ended(mender, given) if mender.kept else run
    except StoppedError:
        interrupted, mended = True, run
        if mender.kept:
            mended = bench.trial(mender.recipe, 0).run
    if mended is not run:
        mended = _finished(mended, mender, run, given)
    return Repair(
        run=mended,
        original=run,
        changes=tuple(mender.attempts),
        decide=tuple(mender.decide.values()),
        left=mended.diagnose(),
        test=_test(run, mended),
        trainings=bench.trainings,
        interrupted=interrupted,
    )


class Mender:
    """Tries remedies on a recipe, and keeps what helps."""

    def __init__(self, bench: Bench, recipe: Recipe, run: Any) -> None:
        self.bench, self.recipe, self.run, self.reference = bench, recipe, run, run
        self.attempts: list[Attempt] = []
        self.kept: list[Change] = []
        self.decide: dict[str, Finding] = {}
        self._tried: set[str] = set()

    def work(self, findings: Diagnosis, rounds: int) -> None:
        """Findings one after another; after a change that was kept, those of the new run."""
        for done in range(rounds):
            self.bench.share = done / rounds
            if not any(map(self._mend, findings)):  # up to the first that is kept
                return
            findings = self.run.diagnose()

    def suit(self) -> None:
        """A rate and a length that suit the network as it is mended."""
        for _ in range(SUITED):
            self.bench.share = 1.0
            if not self.kept or not self._try(AFTER, settings.suited(self.recipe, self.run), alone=True):
                return

    def _mend(self, finding: Finding) -> bool:
        """Whether a remedy of this finding was kept, or of one that was taken to follow from it."""
        followers = [told.partition(": ")[0] for told in finding.consequences]
        names = dict.fromkeys([finding.name, *(name for name in followers if name in MENDS)])
        return any(self._apply(name, finding) for name in names)

    def _apply(self, name: str, finding: Finding) -> bool:
        """Whether a remedy of this name was kept."""
        found: list[Change] = []
        with contextlib.suppress(BacklitError):  # what can't be built isn't a way
            found = [own for own in ways(name, self.recipe, self.run) if own.words not in self._tried]
        if not found:
            if name == finding.name and name not in {own.finding for own in self.attempts}:
                self.decide.setdefault(name, finding)
            return False
        self._tried |= {own.words for own in found}
        return self._try(name, found)

    def _try(self, name: str, found: list[Change], alone: bool = False) -> bool:
        """Compare the best of some changes with what there is; if that is no better, with what it needs besides.

        `alone`: without anything besides.
        """
        criterion = self._criterion(found[0])
        before = self._cost(self.recipe, criterion)
        best = self._best(name, found, criterion)
        if best is None:
            return False
        if best[0] >= before and not alone:
            best = min(best, self._completed(best[1], criterion) or best, key=lambda own: own[0])
        change = best[1]
        self.bench.stage = f"{name}: {change.words}"
        raw: list[tuple[np.ndarray, np.ndarray]] = []
        group = held.groups(self.bench.trial(self.recipe, 0), criterion)
        for number in range(2 * self.bench.seeds):
            raw.append((self._costs(self.recipe, criterion, number), self._costs(change.recipe, criterion, number)))
            old, new = (np.stack([held.capped(pair[side], self._most(criterion)) for pair in raw]) for side in (0, 1))
            result = held.compare(old, new, group)
            if result.gain <= 0 or (len(raw) >= self.bench.seeds and (result.better or result.chance > UNLIKELY)):
                break
        kept = result.better and len(raw) >= self.bench.seeds
        first, second = (_mean(np.stack([pair[side] for pair in raw])) for side in (0, 1))
        self.attempts.append(Attempt(name, change.words, criterion, first, second, result.error, len(raw), kept))
        if kept:
            self.recipe, self.run = change.recipe, self.bench.trial(change.recipe, 0).run
            self.kept.append(change)
        return kept

    def _criterion(self, change: Change) -> str:
        """What a change is judged by: classes that are weighed equally in training are in judging, too."""
        alike = self.recipe.options.get("class_weight") == "balanced" and change.criterion == "loss"
        return "balanced loss" if alike else change.criterion

    def _best(self, name: str, found: list[Change], criterion: str) -> tuple[float, Change] | None:
        """The change that costs least with the first seed, and what it costs; None if none can be trained."""
        candidates = []
        for change in found:
            self.bench.stage = f"{name}: {change.words}"
            with contextlib.suppress(BacklitError):
                candidates.append((self._cost(change.recipe, criterion), change))
        return min(candidates, key=lambda own: own[0]) if candidates else None

    def _completed(self, change: Change, criterion: str) -> tuple[float, Change] | None:
        """A change together with the remedy of what the doctor finds after it: a scaled input wants another rate, say.

        That remedy alone, if it costs no more.
        """
        own = self.bench.trial(change.recipe, 0).run
        for finding in own.diagnose():
            found: list[Change] = []
            with contextlib.suppress(BacklitError):
                found = [more for more in ways(finding.name, change.recipe, own) if self._criterion(more) == criterion]
            best = self._best(f"{change.words}; {finding.name}", found, criterion)
            if best is None:
                continue
            cost, more = best
            with contextlib.suppress(BacklitError):
                alone = [one for one in ways(finding.name, self.recipe, self.run) if one.words == more.words]
                other = self._best(finding.name, alone, criterion)
                if other is not None and other[0] <= cost:
                    return other
            config = None if change.config is None or more.config is None else change.config | more.config
            return cost, dataclasses.replace(more, words=f"{change.words}; {more.words}", config=config)
        return None

    def _costs(self, recipe: Recipe, criterion: str, number: int = 0) -> np.ndarray:
        """What the held-out rows cost."""
        return held.costs(self.bench.trial(recipe, number), criterion, self.reference)

    def _cost(self, recipe: Recipe, criterion: str) -> float:
        """Their mean, with the first seed."""
        return float(held.capped(self._costs(recipe, criterion), self._most(criterion)).mean())

    def _most(self, criterion: str) -> float:
        """What a row costs at most."""
        return held.cap(self.bench.trial(self.recipe, 0), criterion, self.reference)


def _mean(costs: np.ndarray) -> float | None:
    with np.errstate(all="ignore"):
        value = float(costs.mean())
    return value if math.isfinite(value) else None


def _as_trained(run: Any, recipe: Recipe) -> bool:
    """Whether the run itself is what its recipe gives with its seed and the same rows held back."""
    return (
        recipe.options.get("validation") is not None
        and bool(run.probes)
        and bool(run.history)
        and run.stopped not in ("interrupted", "time limit", "callback")
        and run.network.architecture == recipe.trained
    )


def _ended(mender: Mender, given: Recipe) -> Any:
    """The mended run; where the original held nothing back, trained on all rows again if it needs none for stopping."""
    own = mender.recipe
    if given.options.get("validation") is not None or own.options.get("early_stopping"):
        return mender.bench.trial(own, 0).run
    mender.bench.trainings += 1
    mender.bench.stage = "all rows"
    run = own.replace(validation=None).fit(probes="standard", progress=False)
    if run.stopped == "interrupted":
        raise StoppedError
    return run


def _finished(mended: Any, mender: Mender, run: Any, given: Recipe) -> Any:
    """The mended run with what the original has besides: scores on test rows, and what it was made by."""
    words = [change.words for change in mender.kept]
    if given.finish is not None and mended.history and not mended.diverged:
        mended = given.finish(mended)
        mended.judgement["notes"] = [*mended.judgement.get("notes", []), *(f"mended: {own}" for own in words)]
    told = [change.config for change in mender.kept]
    config = None
    if run.config is not None and all(own is not None for own in told):
        config = dict(run.config)
        for own in told:
            config |= own or {}
    return dataclasses.replace(mended, config=config, settings=mended.settings | {"mended": words}, folder=None)


def _test(run: Any, mended: Any) -> dict[str, dict[str, float]] | None:
    """Scores on test rows before and after."""
    before, after = run.judgement or {}, mended.judgement or {}
    if mended is run or before.get("judged_on") != "test" or after.get("judged_on") != "test":
        return None
    return {"before": before["scores"], "after": after["scores"]}
