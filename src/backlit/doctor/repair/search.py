"""Search: mends what is surely wrong, then has all that the findings leave open compete, and keeps what helps."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable

import numpy as np

from backlit.doctor.diagnose import diagnose
from backlit.doctor.finding import Consequence, Diagnosis, Finding, Kind, Role
from backlit.doctor.repair import inputs, settings
from backlit.doctor.repair.bench import Bench
from backlit.doctor.repair.candidates import Candidate, Option, candidates, open_ways
from backlit.doctor.repair.change import Change
from backlit.doctor.repair.compare import LEAST, SURE, compare
from backlit.doctor.repair.contest import MOST, Contest
from backlit.doctor.repair.result import Attempt
from backlit.doctor.trials import Yardstick
from backlit.errors import BacklitError
from backlit.train.recipe import Recipe
from backlit.train.result import Result

UNLIKELY = 0.5  # chance that a gain is noise, beyond which more seeds aren't worth their time
TWICE = 2  # seeds with which a mistake that can be proved is looked at: it is mended unless the cost rises
LOOKS, TESTS = 2, 2  # at a comparison, and tests at each: all of them share the chance of an error
WAVES = 2  # contests over what is open, if nothing of the first is kept
LARGE, FAR = 0.2, 4.0  # of the cost, and standard errors of the rows: a gain that two seeds are enough for
CHOSEN = 2  # of a contest, the best so many are compared with several seeds, one after another
# Mistakes that can be proved, by what they are called: no choice of settings makes them right.
MISTAKES = frozenset({
    "softmax twice", "activation before the loss", "softmax on one unit", "targets out of reach", "classes as numbers",
    "no non-linearity", "unconnected layer", "zero initialisation", "constant initialisation", "sorted rows",
    "codes for missing values", "unscaled inputs", "off-centre inputs", "unscaled targets", "clipping too strong",
})  # fmt: skip
UNTRUSTED = frozenset({"shifted split", "labels wrong in one part"})  # what is held back tells nothing
# Outcomes without a remedy of their own, of which the cause is open: whatever helps may be tried.
OPEN = frozenset({"open cause", "worse than guessing"})


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
    tried : int
        Candidates that were trained for a while, besides.
    """

    def __init__(self, bench: Bench, recipe: Recipe, run: Result, reserve: float = 0.0) -> None:
        self.bench, self.recipe, self.run, self.reference = bench, recipe, run, run
        self.attempts: list[Attempt] = []
        self.kept: list[Change] = []
        self.undecided: dict[str, Finding] = {}
        self.tried, self.reserve = 0, reserve
        self._mistakes: set[str] = set()
        # Remedies that change the network know one input and one output.
        self._several = bool(run.network.input_names or run.network.output_names)

    def repair(self, findings: Diagnosis, rounds: int, suit: bool) -> None:
        """Mistakes first, then contests; after each change that was kept, the new run is looked at again.

        Nothing is tried where the held-out rows, by which it would be judged, are themselves at fault.
        """
        broken = [finding for finding in findings.alarms if finding.name in UNTRUSTED]
        if broken:
            self.undecided |= {finding.name: finding for finding in broken}
            return
        for _ in range(rounds):
            if not (self._mend_mistakes(findings) or self._compete(findings, suit)):
                return
            findings = diagnose(self.run)

    # -------------------------------------------------------------------------------- what the findings leave open

    def _options(self, findings: Iterable[Finding]) -> list[Option]:
        """The ways to mend each finding, and what was taken to follow from it; those without are noted."""
        found: dict[str, Option] = {}
        for finding in findings:
            followers = [each.kind for each in finding.consequences if isinstance(each, Consequence)]
            for kind in dict.fromkeys([finding.kind, *followers]):
                option = self._option(kind)
                if option is not None:
                    found.setdefault(kind.key, option)
                elif kind is finding.kind and kind.key not in {attempt.finding for attempt in self.attempts}:
                    self.undecided.setdefault(kind.key, finding)
        return list(found.values())

    def _option(self, kind: Kind) -> Option | None:
        if kind.repair is None or (self._several and kind.repair not in (*settings.OF_TRAINING, inputs.standardized)):
            return None
        option = open_ways(kind.key, kind.ways, self.recipe, self.run)
        return option if option.ways else None

    # -------------------------------------------------------------------------------- mistakes that can be proved

    def _mend_mistakes(self, findings: Diagnosis) -> bool:
        """Whether a mistake was mended: kept unless the cost rises, since other settings are yet to be found."""
        for option in self._options(findings.alarms):
            if option.name in MISTAKES and option.name not in self._mistakes:
                self._mistakes.add(option.name)
                change = self._likeliest(option)
                if change is not None and self._keep_unless_worse(option.name, change):
                    return True
        return False

    def _likeliest(self, option: Option) -> Change | None:
        """Of several ways the best with the first seed; the first, where there is no time for more."""
        yardstick = self._yardstick(self._finer(option.ways[0]))
        found: list[tuple[float, int, Change]] = []
        for place, change in enumerate(option.ways):
            if place and not self._affords(change.recipe, 1 + TWICE):
                break
            self.bench.stage = f"{option.name}: {change.words}"
            with contextlib.suppress(BacklitError):
                cost = float(yardstick.rows(self.bench.trial(change.recipe, 0)).mean())
                found.append((cost, place, change))
        return min(found)[2] if found else None

    def _keep_unless_worse(self, name: str, change: Change) -> bool:
        """Whether the mean cost doesn't rise by a hundredth; where it does with few seeds, more of them tell."""
        criterion = self._criterion(change)
        group = self._yardstick(criterion).group
        first = TWICE if self._affords(change.recipe, TWICE) else 1
        for count in range(first, max(first, self.bench.seeds) + 1):
            before, after = self._pairs(change, criterion, range(count))
            kept = bool(after.mean() <= (1 + LEAST) * before.mean())
            if kept or compare(after, before, group).better or not self._affords(change.recipe, count + 1):
                break
        self._note(name, change, criterion, before, after, kept)
        return kept

    # -------------------------------------------------------------------------------- the contest

    def _compete(self, findings: Diagnosis, suit: bool) -> bool:
        """Whether the best of all that is open was kept."""
        options = self._options(findings)
        explained = [each for each in findings.alarms if each.kind.role is not Role.FACT]
        ways = {option.name for option in options}
        unknown = any(each.name in ways | OPEN for each in explained)
        free = suit and (bool(self.kept) or unknown)
        found = candidates(options, self.recipe, self.run, free, self._several, WAVES * MOST)
        if not found and not free:
            return False
        criterion = "balanced loss" if any(self._finer(one.change) == "balanced loss" for one in found) else "loss"
        for _ in range(WAVES if free else 1):
            contest = Contest(self.bench, self.recipe, self._yardstick(criterion), self.reserve)
            finalists = contest.best(found, free or "stopped early" in ways)
            self.tried += contest.tried
            for one in finalists[:CHOSEN]:
                if self._affords(one.change.recipe, 1 + TWICE) and self._keep_if_better(one):
                    return True
            found = found[contest.entered :]
            if not found or not contest.entered:
                break
        return False

    def _keep_if_better(self, one: Candidate) -> bool:
        """Compare a change with what there is over several seeds; whether it was kept.

        The seed by which it was chosen doesn't count. It is looked at with as many others as the search is to have, and
        once more with twice as many, or as there is time for: the looks, and the two tests at each, have one level.
        """
        change, criterion, seeds = one.change, self._criterion(one.change), self.bench.seeds
        self.bench.stage = f"{one.name}: {change.words}"
        group = self._yardstick(criterion).group
        level = SURE / (LOOKS * TESTS)
        for count in range(1, 2 * seeds + 1):
            before, after = self._pairs(change, criterion, range(1, 1 + count))
            result = compare(before, after, group)
            last = count == 2 * seeds or not self._affords(change.recipe, count + 2)
            look = count == seeds or (count > seeds and last)
            gain = result.gain >= LEAST * before.mean() and result.chance < level
            ratio = result.gain >= LARGE * before.mean() and chance_of_ratio(before, after) < level
            kept = (look and bool(gain or ratio)) or (count >= TWICE and plain(before, after))
            hopeless = result.gain <= 0 or (count >= seeds and result.chance > UNLIKELY)
            if kept or hopeless or last:
                break
        self._note(one.name, change, criterion, before, after, kept)
        return kept

    # -------------------------------------------------------------------------------- comparisons

    def _pairs(self, change: Change, criterion: str, seeds: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Costs (seeds, rows) before and after a change."""
        yardstick = self._yardstick(criterion)
        trial = self.bench.trial
        pairs = [
            (yardstick.rows(trial(self.recipe, seed)), yardstick.rows(trial(change.recipe, seed))) for seed in seeds
        ]
        return np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])

    def _note(
        self, name: str, change: Change, criterion: str, before: np.ndarray, after: np.ndarray, kept: bool
    ) -> None:
        """Write a comparison down, and take the change over if it is kept."""
        result = compare(before, after, self._yardstick(criterion).group)
        self.attempts.append(
            Attempt(name, change.words, criterion, _mean(before), _mean(after), result.error, len(before), kept)
        )
        if kept:
            run = self.bench.trial(change.recipe, 0).run
            self.recipe, self.run, self.kept = change.recipe, run, [*self.kept, change]

    def _affords(self, recipe: Recipe, seeds: int) -> bool:
        """Whether a recipe can be trained with the first so many seeds, and what there is, too."""
        budget, bench = self.bench.budget, self.bench
        needed = bench.lacking(recipe, seeds) * budget.share(recipe)
        needed += bench.lacking(self.recipe, seeds) * budget.share(self.recipe)
        return needed + self.reserve <= budget.left

    def _yardstick(self, criterion: str) -> Yardstick:
        return Yardstick.of(self.reference, self.bench.trial(self.recipe, 0), criterion)

    def _criterion(self, change: Change) -> str:
        """What a change is compared by: classes that are weighed equally in training are in comparing, too."""
        alike = self.recipe.training.class_weight == "balanced" and change.criterion == "loss"
        return "balanced loss" if alike else change.criterion

    def _finer(self, change: Change) -> str:
        """What ways are chosen by: of a rare class few rows are held out, of which errors tell little."""
        criterion = self._criterion(change)
        return "balanced loss" if criterion == "balanced error" else criterion


def plain(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether a change is so much better with each seed by itself that no more are needed to tell."""
    gains = (before - after).mean(axis=1)
    errors = (before - after).std(axis=1, ddof=1) / math.sqrt(before.shape[1]) if before.shape[1] > 1 else np.inf
    return bool((gains >= LARGE * before.mean(axis=1)).all() and (gains >= FAR * errors).all())


def chance_of_ratio(before: np.ndarray, after: np.ndarray) -> float:
    """Probability of such a ratio of costs if there were no gain.

    Where a sick network's costs differ widely from seed to seed, their difference tells little, and their ratio more.
    Of ``r_s = ln(b_s / a_s)``, the seeds' mean costs before and after: ``SE² = s²(r) / S + s²(b_i / b - a_i / a) / n``,
    the second over the rows' means i (the delta method); t with Welch and Satterthwaite's degrees of freedom.
    """
    from scipy.stats import t as student

    seeds, rows = before.shape
    old, new = before.mean(axis=1), after.mean(axis=1)
    if seeds < TWICE or rows < TWICE or min(old.min(), new.min()) <= 0:
        return 1.0
    ratios = np.log(old / new)
    of_seeds = float(ratios.var(ddof=1)) / seeds
    of_rows = float((before.mean(axis=0) / old.mean() - after.mean(axis=0) / new.mean()).var(ddof=1)) / rows
    variance = of_seeds + of_rows
    if variance == 0:
        return 1.0 if ratios.mean() <= 0 else 0.0
    freedom = variance**2 / (of_seeds**2 / (seeds - 1) + of_rows**2 / (rows - 1))
    return float(student.sf(ratios.mean() / math.sqrt(variance), freedom))


def _mean(values: np.ndarray) -> float | None:
    with np.errstate(all="ignore"):
        value = float(values.mean())
    return value if math.isfinite(value) else None
