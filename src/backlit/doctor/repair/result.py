"""Repair: what was tried to mend a run, what of it was kept, and the run that came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backlit.aligned import aligned
from backlit.doctor.finding import Diagnosis, Finding
from backlit.doctor.repair.budget import TRAININGS


@dataclass(frozen=True)
class Attempt:
    """One remedy, as it was tried.

    Attributes
    ----------
    finding, change : str
        What it is for, and what was done: "learning rate 1 → 0.1".
    criterion : str
        What was compared on the held-out rows: "loss" or "error", or with classes counting alike "balanced loss" or
        "balanced error"; the less the better.
    before, after : float or None
        Its mean over seeds and rows; None if not a number.
    error : float or None
        Standard error of the difference, over seeds and rows.
    seeds : int
        How many pairs of trainings, each with the same seed, were compared.
    kept : bool
    """

    finding: str
    change: str
    criterion: str
    before: float | None
    after: float | None
    error: float | None
    seeds: int
    kept: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class Repair:
    """What mending gave.

    Attributes
    ----------
    run : Run
        The mended run; the original one if nothing helped.
    original : Run
    changes : tuple of Attempt
        All that was tried, in order.
    decide : tuple of Finding
        Those that no machine can mend: they are yours to decide.
    left : Diagnosis
        What the doctor says of `run`.
    test : dict or None
        Scores on the test rows, {"before": ..., "after": ...}, if there are any; nothing was decided by them.
    trainings : int
        Networks trained to their end.
    candidates : int
        Combinations of changes that were trained side by side, of which the better ones went on.
    updates : int
        Of all that was trained together.
    length : float
        The same in trainings of the run's own length: 20 at most.
    interrupted : bool
        Whether it was stopped before everything was tried.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 4))
    >>> net = bl.Sequential(bl.Linear(16), bl.ReLU(), bl.Linear(2), bl.Softmax())
    >>> run = bl.fit(net, x, (x[:, 0] > 0).astype(int), epochs=30, validation=0.3, engine="numpy")
    >>> repair = run.fix(rounds=1, suit=False)
    >>> repair.kept[0].finding, repair.kept[0].change
    ('softmax twice', 'without the last Softmax')
    >>> repair.run.network.architecture.layers[-1]
    Linear(2)
    """

    run: Any
    original: Any
    changes: tuple[Attempt, ...] = ()
    decide: tuple[Finding, ...] = ()
    left: Diagnosis = field(default_factory=Diagnosis)
    test: dict[str, dict[str, float]] | None = None
    trainings: int = 0
    candidates: int = 0
    updates: int = 0
    length: float = 0.0
    interrupted: bool = False

    @property
    def kept(self) -> tuple[Attempt, ...]:
        """The changes that `run` has."""
        return tuple(attempt for attempt in self.changes if attempt.kept)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "mended": bool(self.kept),
            "changes": [attempt.to_dict() for attempt in self.changes],
            "decide": [finding.to_dict() for finding in self.decide],
            "left": self.left.to_dict()["findings"],
            "test": self.test,
            "trainings": self.trainings,
            "candidates": self.candidates,
            "updates": self.updates,
            "length": round(self.length, 3),
            "interrupted": self.interrupted,
        }

    def table(self) -> str:
        """A line a change: the finding, what was done, before and after on held-out rows, and whether it was kept."""
        rows = [("finding", "change", "held-out", "before", "after", "±", "seeds", "")]
        for attempt in self.changes:
            numbers = (_number(attempt.before), _number(attempt.after), _number(attempt.error))
            kept = "kept" if attempt.kept else "not kept"
            rows.append((attempt.finding, attempt.change, attempt.criterion, *numbers, str(attempt.seeds), kept))
        return aligned(rows, left=(0, 1, 2, 7))

    def __str__(self) -> str:
        parts = [self.table()] if self.changes else []
        if self.changes or self.candidates:
            parts.append(self._effort())
        if self.interrupted:
            parts.append("interrupted: not everything was tried")
        if self.decide:
            lines = [f"  {finding.name}: {finding.where}\n    {finding.remedy}" for finding in self.decide]
            parts.append("\n".join(["yours to decide:", *lines]))
        if self.test:
            names = [name for name in self.test["before"] if name in self.test["after"]]
            scores = [f"  {n}: {_number(self.test['before'][n])} → {_number(self.test['after'][n])}" for n in names]
            parts.append("\n".join(["test rows, by which nothing was decided:", *scores]))
        if self.kept:
            parts.append(f"mended by {len(self.kept)} change{'s' if len(self.kept) > 1 else ''}; " + self._after())
        elif self.changes or self.candidates:
            parts.append("nothing helped beyond noise: the run stays as it is")
        elif not self.decide:
            parts.append("no findings: nothing to mend")
        return "\n\n".join(parts)

    def _effort(self) -> str:
        side = f", {self.candidates} candidates side by side" if self.candidates else ""
        bound = "at most" if self.length <= TRAININGS else "trained for longer than it was; planned:"
        return (
            f"trained: {self.trainings} networks to the end{side}; {self.updates} updates, as many as "
            f"{self.length:.1f} trainings of this run have ({bound} {TRAININGS})"
        )

    def _after(self) -> str:
        alarms = [finding.name for finding in self.left.alarms]
        return f"still found: {', '.join(alarms)}" if alarms else "no alarm is left"

    def __repr__(self) -> str:
        return f"Repair({len(self.kept)} of {len(self.changes)} changes kept, {self.trainings} trainings)"


def _number(value: float | None) -> str:
    return "NaN" if value is None else f"{value:.4g}"
