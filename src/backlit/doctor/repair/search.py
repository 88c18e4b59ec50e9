"""Mender: tries remedies on a recipe, one after another, and keeps what helps."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from typing import Any

import numpy as np

from backlit.doctor.diagnose import diagnose
from backlit.doctor.finding import Consequence, Diagnosis, Finding, Kind
from backlit.doctor.repair import compare as held
from backlit.doctor.repair import settings
from backlit.doctor.repair.bench import Bench
from backlit.doctor.repair.change import Change, Remedy
from backlit.doctor.repair.result import Attempt
from backlit.errors import BacklitError
from backlit.train.recipe import Recipe

SUITED, AFTER = 3, "to suit the mended network"  # times that rate and length are looked at again after mending
UNLIKELY = 0.5  # chance that a gain is noise, beyond which more seeds aren't worth their time


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
            findings = diagnose(self.run)

    def suit(self) -> None:
        """A rate and a length that suit the network as it is mended."""
        for _ in range(SUITED):
            self.bench.share = 1.0
            if not self.kept or not self._try(AFTER, settings.suited(self.recipe, self.run), alone=True):
                return

    def _mend(self, finding: Finding) -> bool:
        """Whether a remedy of this finding was kept, or of one that was taken to follow from it."""
        followers = [each.kind for each in finding.consequences if isinstance(each, Consequence)]
        kinds = dict.fromkeys([finding.kind, *(kind for kind in followers if kind.repair is not None)])
        return any(self._apply(kind, finding) for kind in kinds)

    def _apply(self, kind: Kind, finding: Finding) -> bool:
        """Whether a remedy of a finding of this kind was kept."""
        changes: list[Change] = []
        with contextlib.suppress(BacklitError):  # what can't be built isn't a way
            changes = [change for change in kind.ways(self.recipe, self.run) if change.words not in self._tried]
        if not changes:
            if kind is finding.kind and kind.key not in {attempt.finding for attempt in self.attempts}:
                self.decide.setdefault(kind.key, finding)
            return False
        self._tried |= {change.words for change in changes}
        return self._try(kind.key, changes)

    def _try(self, name: str, found: list[Change], alone: bool = False) -> bool:
        """Compare the best of some changes with what there is; if that is no better, with what it needs besides.

        `alone`: without anything besides.
        """
        criterion = self._criterion(found[0])
        finer = self._finer(found[0])
        before = self._cost(self.recipe, finer)
        best = self._best(name, found, finer)
        if best is None:
            return False
        if alone:
            return self._decide(name, best[1], criterion)
        if best[0] < before and self._decide(name, best[1], criterion):
            return True
        more = self._completed(best[1], finer)
        if more is not None and more[0] < best[0]:
            return self._decide(name, more[1], criterion)
        return best[0] >= before and self._decide(name, best[1], criterion)

    def _decide(self, name: str, change: Change, criterion: str) -> bool:
        """Compare a change with what there is over several seeds; whether it was kept."""
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
        alike = self.recipe.training.class_weight == "balanced" and change.criterion == "loss"
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
        """A change together with the remedy of what the doctor finds after it, or with another rate or length.

        That remedy alone, if it costs no more.
        """
        own = self.bench.trial(change.recipe, 0).run
        found: list[Change] = []
        makers: list[Remedy] = [*(finding.kind.ways for finding in diagnose(own)), settings.suited]
        for make in makers:
            with contextlib.suppress(BacklitError):
                found += [more for more in make(change.recipe, own) if self._finer(more) == criterion]
        best = self._best(change.words, found, criterion)
        if best is None:
            return None
        cost, more = best
        for make in makers:
            with contextlib.suppress(BacklitError):
                same = [one for one in make(self.recipe, self.run) if one.words == more.words]
                other = self._best(more.words, same[:1], criterion)
                if other is not None and other[0] <= cost:
                    return other
        config = None if change.config is None or more.config is None else change.config | more.config
        return cost, dataclasses.replace(more, words=f"{change.words}; {more.words}", config=config)

    def _finer(self, change: Change) -> str:
        """What ways are chosen by: of a rare class few rows are held out, of which errors tell little."""
        criterion = self._criterion(change)
        return "balanced loss" if criterion == "balanced error" else criterion

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
