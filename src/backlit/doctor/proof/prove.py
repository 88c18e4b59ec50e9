"""`Run.diagnose(prove=True)`: competing causes settled by short paired trainings; what is refuted is dropped."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.doctor.evidence import Evidence
from backlit.doctor.finding import Diagnosis, Finding, Kind
from backlit.doctor.findings import kinds
from backlit.doctor.proof import experiments
from backlit.doctor.proof.verdict import Verdict
from backlit.doctor.repair.change import Change
from backlit.doctor.repair.compare import compare
from backlit.doctor.trials import Outcome, Trials, Yardstick
from backlit.errors import BacklitError
from backlit.train.recipe import Recipe

SEEDS = 2
WHOLE = 0.5  # of the run's epochs that an experiment must have had to refute anything
LEAST = 3  # epochs
UNLIKELY = 0.5  # chance that a gain is noise, beyond which it is none
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
        That the trainings may take, about.
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
            refuted = {name for name, verdict in lab.verdicts.items() if verdict.result == "refuted"}
            evidence = dataclasses.replace(evidence, refuted=frozenset(refuted))
            findings = judged(evidence, [kind for name, kind in kinds().items() if name not in refuted])
        if experiments.is_open(findings):
            findings = lab.guessed(findings)
    except KeyboardInterrupt:
        refuted = {name for name, verdict in lab.verdicts.items() if verdict.result == "refuted"}
        evidence = dataclasses.replace(evidence, refuted=frozenset(refuted))
        findings = judged(evidence, [kind for name, kind in kinds().items() if name not in refuted])
    return _ordered([lab.told(finding) for finding in findings])


def _ordered(findings: list[Finding]) -> Diagnosis:
    """Alarms before remarks; among alarms of one standing, those that were shown first."""

    def place(finding: Finding) -> tuple[bool, bool]:
        shown = finding.proof is not None and finding.proof.result == "shown"
        fact = finding.proof is None
        return finding.severity != "alarm", not (shown or fact)

    return Diagnosis(sorted(findings, key=place))  # which leaves the order of causes as it is, within each


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
        self._begin = time.monotonic()
        self._epochs = self._affordable()
        self._base: list[Outcome] | None = None

    def _affordable(self) -> int:
        """Epochs of each training: the run's, or fewer if half a dozen trainings would take too long."""
        epochs = self.recipe.training.epochs
        own = self.run.seconds / max(1, len(self.run.history))
        return int(min(epochs, max(LEAST, self.seconds / 6 / SEEDS / max(own, 1e-6))))

    def _over(self) -> bool:
        return time.monotonic() - self._begin >= self.seconds

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
        verdicts = self._tried(changes)
        tried = [verdict for verdict in verdicts if verdict.words]
        if not tried:
            self.verdicts[kind.key] = min(verdicts, key=lambda verdict: verdict.untried != "no time")
            return
        order = ("shown", "likely", "refuted")
        best = min(tried, key=lambda verdict: (order.index(verdict.result), verdict.after / (verdict.before or 1.0)))
        complete = len(tried) == len(changes) and self._epochs >= WHOLE * self.recipe.training.epochs
        if best.result == "refuted" and not (complete and experiments.refutable(kind)):
            best = dataclasses.replace(best, result="likely")
        self.verdicts[kind.key] = best

    def _untried(self, why: str) -> Verdict:
        return Verdict("likely", seconds=self.seconds, untried=why)

    def _tried(self, changes: list[Change]) -> list[Verdict]:
        """A verdict of each change; one without words where it couldn't be trained, or not in time."""
        if self._over():
            return [self._untried("no time")] * len(changes)
        begin = time.monotonic()
        try:
            trials = Trials([self.recipe, *(change.recipe for change in changes)], range(SEEDS), self._epochs)
            places = range(len(changes) + 1) if self._base is None else range(1, len(changes) + 1)
            done = trials.train(self._epochs, places, asked=self._over)
        except BacklitError:
            return [self._untried("not trainable")] * len(changes)
        base = self._base = self._base or done.get(0)
        seconds = time.monotonic() - begin
        return [
            self._untried("not trainable" if {0, place} & set(trials.left_out) else "no time")
            if base is None or place not in done
            else self._compared(change, base, done[place], seconds)
            for place, change in enumerate(changes, start=1)
        ]

    def _compared(self, change: Change, base: list[Outcome], after: list[Outcome], seconds: float) -> Verdict:
        """Paired by seed and held-out row, as shares of what each seed's rows cost without the change.

        Starts differ, and with them what a training that goes nowhere ends with; what a change takes of it hardly does.
        """
        yardstick = Yardstick(self.run, self.recipe, change.criterion)
        costs = [np.stack([yardstick.rows(outcome.validation) for outcome in some]) for some in (base, after)]
        size = np.maximum(costs[0].mean(axis=1, keepdims=True), TINY)
        found = compare(costs[0] / size, costs[1] / size, yardstick.group)
        result = "shown" if found.better else "refuted" if found.chance > UNLIKELY else "likely"
        before, after_it = (float(part.mean()) for part in costs)
        error = found.error * float(size.mean())
        return Verdict(result, change.words, change.criterion, before, after_it, error, seconds)

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
        verdicts = self._tried([change for _, change in guesses])
        for (kind, _), verdict in zip(guesses, verdicts, strict=True):
            helps = verdict.result == "shown" and verdict.after <= (1 - TELLS) * verdict.before
            if helps and (best is None or verdict.after < best[0].after):
                best = verdict, kind
        if best is None:
            return findings
        verdict, kind = best
        self.verdicts[kind.key] = verdict
        share = verdict.after / verdict.before if verdict.before else 0.0
        found = experiments.claimed(kind, verdict.words, share)
        return Diagnosis(found if experiments.is_open(Diagnosis([finding])) else finding for finding in findings)

    def told(self, finding: Finding) -> Finding:
        """A finding with its verdict."""
        verdict = self.verdicts.get(finding.kind.key)
        return (
            finding if verdict is None or finding.severity != "alarm" else dataclasses.replace(finding, proof=verdict)
        )
