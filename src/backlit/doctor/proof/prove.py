"""`Run.diagnose(prove=True)`: competing causes settled by short paired trainings; what is refuted is dropped."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Diagnosis, Finding, Kind
from backlit.doctor.findings import kinds
from backlit.doctor.proof import experiments
from backlit.doctor.proof.verdict import Verdict
from backlit.doctor.repair.change import Change
from backlit.doctor.repair.compare import LEAST as WORTH
from backlit.doctor.repair.compare import compare, holm
from backlit.doctor.trials import Outcome, Trials, Yardstick, length
from backlit.errors import BacklitError
from backlit.train.recipe import Recipe
from backlit.train.search.group import Group

SEEDS = 2
WHOLE = 0.5  # of the run's epochs that an experiment must have had to refute anything
LEAST = 3  # epochs
PARTNERS = 3  # other remedies beside which one is tried that does nothing by itself
ORDER = ("shown", "likely", "refuted")
TINY = 1e-12
TELLS = 0.1  # of the loss that a change must take away to be taken for the cause

Progress = Callable[[str, float], None]
Judge = Callable[[Evidence, Any], Diagnosis]


def prove(
    run: Any,
    evidence: Evidence,
    recipe: Recipe,
    judged: Judge,
    seconds: float,
    progress: Progress | None = None,
) -> Diagnosis:
    """A diagnosis of which each cause was tried, as far as the time allows; Ctrl-C ends it with what is known by then.

    Parameters
    ----------
    run : Run
    evidence : Evidence
        Of the run.
    recipe : Recipe
        What trained it, with its data.
    judged : callable
        ``judged(evidence, kinds)``: what the rules of some kinds find.
    seconds : float
        That it may take. No training is begun, and none goes on for another epoch, unless what it needs fits in, by
        the longest stretch so far; only compiling, of which nobody knows how long it takes, may end later.
    progress : callable, optional
        ``progress(what, share)``.
    """
    lab = Laboratory(run, recipe, seconds, progress)
    findings = judged(evidence, None)
    try:
        while True:
            new = [kind for kind in experiments.competing(findings) if kind.key not in lab.verdicts]
            if not new:
                break
            for kind in new:
                lab.try_kind(kind)
            lab.refute()
            evidence, findings = _without(lab.refuted, evidence, judged)
        if experiments.is_open(findings):
            findings = lab.guessed(findings)
    except KeyboardInterrupt:
        evidence, findings = _without(lab.refuted, evidence, judged)
    return _ordered([lab.told(finding) for finding in findings])


def _without(refuted: frozenset[str], evidence: Evidence, judged: Judge) -> tuple[Evidence, Diagnosis]:
    """What the rules find without some kinds."""
    evidence = dataclasses.replace(evidence, refuted=refuted)
    return evidence, judged(evidence, [kind for name, kind in kinds().items() if name not in refuted])


def _ordered(findings: list[Finding]) -> Diagnosis:
    """Alarms before remarks; among alarms of one standing, those that were shown first."""

    def place(finding: Finding) -> tuple[bool, bool]:
        shown = finding.proof is not None and finding.proof.result == "shown"
        fact = finding.proof is None
        return finding.severity != "alarm", not (shown or fact)

    return Diagnosis(sorted(findings, key=place))  # which leaves the order of causes as it is, within each


@dataclass(frozen=True, eq=False)
class _Way:
    """A change, by its place among those that were tried for a kind, and what came of it with each seed."""

    change: Change
    place: int
    verdict: Verdict
    after: list[Outcome] | None = None


class Laboratory:
    """Where kinds of findings are tried on a run.

    Attributes
    ----------
    verdicts : dict of str to Verdict
        By the names of kinds.
    """

    def __init__(self, run: Any, recipe: Recipe, seconds: float, progress: Progress | None) -> None:
        self.run, self.seconds, self.progress = run, seconds, progress
        self.recipe = recipe.with_validation()
        self.verdicts: dict[str, Verdict] = {}
        self._begin = self._looked = time.monotonic()
        self._longest = SEEDS * self._epoch_seconds  # between two looks at the clock: a stretch that nothing ends
        self._epochs = self._affordable()
        self._base: list[Outcome] | None = None
        self._best: dict[str, tuple[Kind, _Way]] = {}  # of the kinds that were tried
        self._doubted: dict[str, Verdict] = {}  # of kinds that are refuted unless they help beside another
        self._paired: set[frozenset[str]] = set()

    @property
    def refuted(self) -> frozenset[str]:
        """Names of kinds that are no cause."""
        return frozenset(name for name, verdict in self.verdicts.items() if verdict.result == "refuted")

    def _affordable(self) -> int:
        """Epochs of each training: the run's, or fewer if half a dozen trainings would take too long."""
        epochs = length(self.recipe, self.run)
        return int(min(epochs, max(LEAST, self.seconds / 6 / SEEDS / max(self._epoch_seconds, 1e-6))))

    @property
    def _epoch_seconds(self) -> float:
        """What an epoch of the run took."""
        return float(self.run.seconds / max(1, len(self.run.history)))

    def _over(self, groups: Iterable[Group] = ()) -> bool:
        """Whether a stretch as long as the longest so far would end too late: then no further one is begun.

        While a program of these groups is compiled, or made ready to be, stretches tell nothing of those that follow.
        """
        now = time.monotonic()
        if all(group.seconds for group in groups):
            self._longest = max(self._longest, now - self._looked)
        self._looked = now
        return now + self._longest - self._begin >= self.seconds

    def try_kind(self, kind: Kind) -> None:
        """Whether one of its remedies helps; a verdict of "likely" where that couldn't be tried."""
        self.verdicts[kind.key] = self._untried("no time")
        if self._over():
            return
        changes = experiments.ways(kind, self.recipe, self.run)
        if not changes:
            self.verdicts[kind.key] = self._untried("no way")
            return
        if self.progress:
            self.progress(kind.key, min(1.0, (time.monotonic() - self._begin) / self.seconds))
        found = self._tried(changes)
        tried = [way for way in found if way.after is not None]
        if not tried:
            untried = (way.verdict for way in found)
            self.verdicts[kind.key] = min(untried, key=lambda verdict: verdict.untried != "no time")
            return
        best = min(tried, key=lambda way: (ORDER.index(way.verdict.result), way.verdict.ratio))
        self._best[kind.key] = kind, best
        complete = len(tried) == len(changes) and self._epochs >= WHOLE * length(self.recipe, self.run)
        self.verdicts[kind.key] = best.verdict
        if best.verdict.result == "refuted":
            self.verdicts[kind.key] = dataclasses.replace(best.verdict, result="likely")
            if complete and experiments.refutable(kind):
                self._doubted[kind.key] = best.verdict

    def refute(self) -> None:
        """Drop what helps neither alone nor beside another remedy: of two faults, one mended may show nothing."""
        for name in list(self._doubted):
            partners = [other for other in self._best if other != name][:PARTNERS]
            if all(frozenset((name, other)) in self._paired or self._pair(name, other) for other in partners):
                if name in self._doubted:
                    self.verdicts[name] = self._doubted.pop(name)
            else:
                self._doubted.pop(name, None)  # for lack of time it stays likely

    def _pair(self, one: str, other: str) -> bool:
        """Whether two remedies could be tried together, and if they help, whose verdict that changes."""
        (_, first), (kind, second) = self._best[one], self._best[other]
        change = None if self._over() else experiments.both(first.change, kind, second.place, self.run)
        if change is None:
            return not self._over()
        (way,) = self._tried([change])
        if way.after is None:
            return way.verdict.untried != "no time"
        self._paired.add(frozenset((one, other)))
        for name, partner in ((one, second), (other, first)):
            if name not in self._doubted or partner.after is None:
                continue
            beside, _ = self._compared(change, partner.after, way.after, way.verdict.seconds)
            if "refuted" not in (beside.result, way.verdict.result):
                both = "shown" if (beside.result, way.verdict.result) == ("shown", "shown") else "likely"
                self.verdicts[name] = dataclasses.replace(way.verdict, result=both)
                del self._doubted[name]
        return True

    def _untried(self, why: str) -> Verdict:
        return Verdict("likely", seconds=self.seconds, untried=why)

    def _tried(self, changes: list[Change]) -> list[_Way]:
        """A verdict of each change; what couldn't be trained, or not in time, has none by experiment."""

        def none(why: str) -> list[_Way]:
            return [_Way(change, place, self._untried(why)) for place, change in enumerate(changes)]

        if self._over():
            return none("no time")
        begin = time.monotonic()
        try:
            trials = Trials([self.recipe, *(change.recipe for change in changes)], range(SEEDS), self._epochs)
            places = range(len(changes) + 1) if self._base is None else range(1, len(changes) + 1)
            groups = trials.groups.groups
            self._looked = time.monotonic()  # what preparing took comes once
            done = trials.train(self._epochs, places, asked=lambda: self._over(groups.values()))
        except BacklitError:
            return none("not trainable")
        finally:
            self._looked = time.monotonic()
        base = self._base = self._base or done.get(0)
        seconds = time.monotonic() - begin
        found = none("no time")
        chances = [1.0] * len(changes)
        for place, change in enumerate(changes, start=1):
            if {0, place} & set(trials.left_out):
                found[place - 1] = _Way(change, place - 1, self._untried("not trainable"))
            elif base is not None and place in done:
                verdict, chances[place - 1] = self._compared(change, base, done[place], seconds)
                found[place - 1] = _Way(change, place - 1, verdict, done[place])
        # The best of several tries is better by chance more often than each of them.
        return [
            dataclasses.replace(way, verdict=dataclasses.replace(way.verdict, result="likely"))
            if way.verdict.result == "shown" and not sure
            else way
            for way, sure in zip(found, holm(chances), strict=True)
        ]

    def _compared(
        self, change: Change, base: list[Outcome], after: list[Outcome], seconds: float
    ) -> tuple[Verdict, float]:
        """Paired by seed and held-out row, as shares of what each seed's rows cost without the change.

        Starts differ, and with them what a training that goes nowhere ends with; what a change takes of it hardly does.
        It is refuted if its gain is below a hundredth, with 95 % confidence. Beside the verdict the chance of the gain.
        """
        yardstick = Yardstick(self.run, self.recipe, change.criterion)
        costs = [np.stack([yardstick.kept(outcome) for outcome in some]) for some in (base, after)]
        size = np.maximum(costs[0].mean(axis=1, keepdims=True), TINY)
        found = compare(costs[0] / size, costs[1] / size, yardstick.group)
        result = "shown" if found.better else "refuted" if found.most < WORTH else "likely"
        before, after_it = (float(part.mean()) for part in costs)
        error = found.error * float(size.mean())
        return Verdict(result, change.words, change.criterion, before, after_it, error, seconds), found.chance

    def guessed(self, findings: Diagnosis) -> Diagnosis:
        """Where the cause is open: what is usually at fault, tried; the change that helps most is taken for it."""
        guesses = [
            (kind, change)
            for kind, change in experiments.guesses(self.recipe, self.run)
            if kind.key not in self.verdicts
        ]
        if self.progress:
            self.progress("open cause", min(1.0, (time.monotonic() - self._begin) / self.seconds))
        best: tuple[Verdict, Kind] | None = None
        found = self._tried([change for _, change in guesses])
        for (kind, _), verdict in zip(guesses, (way.verdict for way in found), strict=True):
            helps = verdict.result == "shown" and verdict.after <= (1 - TELLS) * verdict.before
            if helps and (best is None or verdict.after < best[0].after):
                best = verdict, kind
        if best is None:
            if guesses and all(way.verdict.untried == "no time" and not way.verdict.words for way in found):
                self.verdicts[experiments.OPEN.key] = self._untried("no guesses")
            return findings
        verdict, kind = best
        self.verdicts[kind.key] = verdict
        claimed = experiments.claimed(kind, verdict.words, verdict.ratio)
        return Diagnosis(claimed if experiments.is_open(Diagnosis([finding])) else finding for finding in findings)

    def told(self, finding: Finding) -> Finding:
        """A finding with its verdict; a remark that was shown is an alarm, and else has none."""
        verdict = self.verdicts.get(finding.kind.key)
        if verdict is None or (finding.severity != "alarm" and verdict.result != "shown"):
            return finding
        if finding.severity != "alarm" and finding.kind not in experiments.competing(Diagnosis([finding])):
            return finding  # as a remark it is something else than what was tried
        return dataclasses.replace(finding, severity="alarm", proof=verdict)
