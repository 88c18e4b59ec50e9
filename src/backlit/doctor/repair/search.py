"""Search: tries remedies on a recipe, one after another, and keeps what helps."""

from __future__ import annotations

import contextlib
import dataclasses
import math

import numpy as np

from backlit.doctor.diagnose import diagnose
from backlit.doctor.finding import Consequence, Diagnosis, Finding, Kind
from backlit.doctor.repair import inputs, settings
from backlit.doctor.repair.bench import Bench
from backlit.doctor.repair.change import Change, Remedy
from backlit.doctor.repair.compare import cap, capped, compare, costs, groups
from backlit.doctor.repair.result import Attempt
from backlit.errors import BacklitError
from backlit.train.recipe import Recipe
from backlit.train.result import Result

SUITED, AFTER = 3, "to suit the mended network"  # times that rate and length are looked at again after mending
UNLIKELY = 0.5  # chance that a gain is noise, beyond which more seeds aren't worth their time


class Search:
    """Tries remedies on a recipe, and keeps what helps.

    Attributes
    ----------
    recipe, run :
        As they are with what was kept so far.
    attempts : list of Attempt
        All comparisons, in order.
    kept : list of Change
    undecided : dict of str to Finding
        Findings that have no remedy here, by name.
    """

    def __init__(self, bench: Bench, recipe: Recipe, run: Result) -> None:
        self.bench, self.recipe, self.run, self.reference = bench, recipe, run, run
        self.attempts: list[Attempt] = []
        self.kept: list[Change] = []
        self.undecided: dict[str, Finding] = {}
        self._tried: set[str] = set()
        # Remedies that change the network know one input and one output.
        self._several = bool(run.network.input_names or run.network.output_names)

    def repair(self, findings: Diagnosis, rounds: int) -> None:
        """Findings one after another; after a change that was kept, those of the new run."""
        for done in range(rounds):
            self.bench.share = done / rounds
            if not any(map(self._repair, findings)):  # up to the first that is kept
                return
            findings = diagnose(self.run)

    def suit(self) -> None:
        """A rate and a length that suit the network as it is mended."""
        for _ in range(SUITED):
            self.bench.share = 1.0
            if not self.kept or not self._try(AFTER, settings.suited(self.recipe, self.run), alone=True):
                return

    def _repair(self, finding: Finding) -> bool:
        """Whether a remedy of this finding was kept, or of one that was taken to follow from it."""
        followers = [each.kind for each in finding.consequences if isinstance(each, Consequence)]
        kinds = dict.fromkeys([finding.kind, *(kind for kind in followers if kind.repair is not None)])
        return any(self._apply(kind, finding) for kind in kinds)

    def _apply(self, kind: Kind, finding: Finding) -> bool:
        """Whether a remedy of a finding of this kind was kept."""
        changes: list[Change] = []
        if self._several and kind.repair not in (*settings.OF_TRAINING, inputs.standardized):
            return self._undecided(kind, finding)
        with contextlib.suppress(BacklitError):  # what can't be built isn't a way
            changes = [change for change in kind.ways(self.recipe, self.run) if change.words not in self._tried]
        if not changes:
            return self._undecided(kind, finding)
        self._tried |= {change.words for change in changes}
        return self._try(kind.key, changes)

    def _undecided(self, kind: Kind, finding: Finding) -> bool:
        """A finding that has no remedy here: False, since nothing was kept for it."""
        if kind is finding.kind and kind.key not in {attempt.finding for attempt in self.attempts}:
            self.undecided.setdefault(kind.key, finding)
        return False

    def _try(self, name: str, changes: list[Change], alone: bool = False) -> bool:
        """Compare the best of some changes with what there is; if that is no better, with what it needs besides.

        `alone`: without anything besides.
        """
        criterion = self._criterion(changes[0])
        finer = self._finer(changes[0])
        before = self._cost(self.recipe, finer)
        best = self._best(name, changes, finer)
        if best is None:
            return False
        cost, change = best
        if alone:
            return self._keep_if_better(name, change, criterion)
        if cost < before and self._keep_if_better(name, change, criterion):
            return True
        more = self._completed(change, finer)
        if more is not None and more[0] < cost:
            return self._keep_if_better(name, more[1], criterion)
        return cost >= before and self._keep_if_better(name, change, criterion)

    def _keep_if_better(self, name: str, change: Change, criterion: str) -> bool:
        """Compare a change with what there is over several seeds; whether it was kept."""
        self.bench.stage = f"{name}: {change.words}"
        pairs: list[tuple[np.ndarray, np.ndarray]] = []  # of costs before and after, a pair a seed
        group = groups(self.bench.trial(self.recipe, 0), criterion)
        for number in range(2 * self.bench.seeds):
            pairs.append((self._costs(self.recipe, criterion, number), self._costs(change.recipe, criterion, number)))
            before, after = (np.stack([capped(pair[side], self._most(criterion)) for pair in pairs]) for side in (0, 1))
            result = compare(before, after, group)
            if result.gain <= 0 or (len(pairs) >= self.bench.seeds and (result.better or result.chance > UNLIKELY)):
                break
        kept = result.better and len(pairs) >= self.bench.seeds
        old, new = (_mean(np.stack([pair[side] for pair in pairs])) for side in (0, 1))
        self.attempts.append(Attempt(name, change.words, criterion, old, new, result.error, len(pairs), kept))
        if kept:
            self.recipe, self.run = change.recipe, self.bench.trial(change.recipe, 0).run
            self.kept.append(change)
        return kept

    def _criterion(self, change: Change) -> str:
        """What a change is compared by: classes that are weighed equally in training are in comparing, too."""
        alike = self.recipe.training.class_weight == "balanced" and change.criterion == "loss"
        return "balanced loss" if alike else change.criterion

    def _best(self, name: str, changes: list[Change], criterion: str) -> tuple[float, Change] | None:
        """The change that costs least with the first seed, and what it costs; None if none can be trained."""
        candidates = []
        for change in changes:
            self.bench.stage = f"{name}: {change.words}"
            with contextlib.suppress(BacklitError):
                candidates.append((self._cost(change.recipe, criterion), change))
        return min(candidates, key=lambda candidate: candidate[0]) if candidates else None

    def _completed(self, change: Change, criterion: str) -> tuple[float, Change] | None:
        """A change together with the remedy of what the doctor finds after it, or with another rate or length.

        That remedy alone, if it costs no more.
        """
        run = self.bench.trial(change.recipe, 0).run
        changes: list[Change] = []
        remedies: list[Remedy] = [*(finding.kind.ways for finding in diagnose(run)), settings.suited]
        for remedy in remedies:
            with contextlib.suppress(BacklitError):
                changes += [more for more in remedy(change.recipe, run) if self._finer(more) == criterion]
        best = self._best(change.words, changes, criterion)
        if best is None:
            return None
        cost, more = best
        for remedy in remedies:
            with contextlib.suppress(BacklitError):
                same = [other for other in remedy(self.recipe, self.run) if other.words == more.words]
                alone = self._best(more.words, same[:1], criterion)
                if alone is not None and alone[0] <= cost:
                    return alone
        config = None if change.config is None or more.config is None else change.config | more.config
        return cost, dataclasses.replace(more, words=f"{change.words}; {more.words}", config=config)

    def _finer(self, change: Change) -> str:
        """What ways are chosen by: of a rare class few rows are held out, of which errors tell little."""
        criterion = self._criterion(change)
        return "balanced loss" if criterion == "balanced error" else criterion

    def _costs(self, recipe: Recipe, criterion: str, number: int = 0) -> np.ndarray:
        """What the held-out rows cost."""
        return costs(self.bench.trial(recipe, number), criterion, self.reference)

    def _cost(self, recipe: Recipe, criterion: str) -> float:
        """Their mean, with the first seed."""
        return float(capped(self._costs(recipe, criterion), self._most(criterion)).mean())

    def _most(self, criterion: str) -> float:
        """What a row costs at most."""
        return cap(self.bench.trial(self.recipe, 0), criterion, self.reference)


def _mean(values: np.ndarray) -> float | None:
    with np.errstate(all="ignore"):
        value = float(values.mean())
    return value if math.isfinite(value) else None
