"""Verdict: what an experiment said of a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backlit.languages import Message, Template

SHOWN = Template(
    "shown: {words}: held-out {criterion} {before:.3g} → {after:.3g} in {seconds:.0f} s",
    "입증됨: {words}: 평가 데이터의 {criterion} {before:.3g} → {after:.3g} ({seconds:.0f}초)",
)
LIKELY = Template(
    "likely: {words}: held-out {criterion} {before:.3g} → {after:.3g} ± {error:.1g}",
    "가능성 있음: {words}: 평가 데이터의 {criterion} {before:.3g} → {after:.3g} ± {error:.1g}",
)
UNTRIED = Template("likely: not tried within {limit:g} s", "가능성 있음: {limit:g}초 안에 시험하지 못함")
LOSS = Template("loss", "손실")
ERROR = Template("error rate", "오류율")


@dataclass(frozen=True)
class Verdict:
    """What paired trainings say of a cause: "shown", "likely" or "refuted".

    Attributes
    ----------
    result : str
    words : str
        What was changed.
    criterion : str
        See `repair.compare.costs`.
    before, after, error : float
        Mean cost of a held-out row as it is and changed, and the standard error of their difference.
    seconds : float
        How long the experiment took; of one that wasn't made, how long it was to take at most.
    """

    result: str
    words: str = ""
    criterion: str = "loss"
    before: float = 0.0
    after: float = 0.0
    error: float = 0.0
    seconds: float = 0.0

    @property
    def message(self) -> Message:
        """In a sentence, in any language."""
        if not self.words:
            return UNTRIED.of(limit=self.seconds)
        criterion = (LOSS if self.criterion.endswith("loss") else ERROR).of()
        values = {name: getattr(self, name) for name in ("words", "before", "after", "error", "seconds")}
        return (SHOWN if self.result == "shown" else LIKELY).of(criterion=criterion, **values)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        names = ("result", "words", "criterion", "before", "after", "error", "seconds")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        return str(self.message)
