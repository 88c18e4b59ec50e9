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
UNTRIED = {  # why an experiment wasn't made
    "no time": Template("likely: not tried within {limit:g} s", "가능성 있음: {limit:g}초 안에 시험하지 못함"),
    "no guesses": Template(
        "usual causes were not tried within {limit:g} s", "흔한 원인을 {limit:g}초 안에 시험하지 못함"
    ),
    "no way": Template(
        "likely: not tried, since no change of this training's options would mend it",
        "가능성 있음: 이 학습의 설정을 바꾸어 고칠 방법이 없어 시험하지 않음",
    ),
    "not trainable": Template(
        "likely: not tried, since the changed training couldn't be run",
        "가능성 있음: 바꾼 설정으로는 학습할 수 없어 시험하지 않음",
    ),
}
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
    untried : str
        Why it wasn't made, see `UNTRIED`: for lack of time, unless told otherwise.
    """

    result: str
    words: str = ""
    criterion: str = "loss"
    before: float = 0.0
    after: float = 0.0
    error: float = 0.0
    seconds: float = 0.0
    untried: str = "no time"

    @property
    def ratio(self) -> float:
        """Cost with the change, of the cost without it."""
        return self.after / (self.before or 1.0)

    @property
    def message(self) -> Message:
        """In a sentence, in any language."""
        if not self.words:
            return UNTRIED[self.untried].of(limit=self.seconds)
        criterion = (LOSS if self.criterion.endswith("loss") else ERROR).of()
        values = {name: getattr(self, name) for name in ("words", "before", "after", "error", "seconds")}
        return (SHOWN if self.result == "shown" else LIKELY).of(criterion=criterion, **values)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        names = ("result", "words", "criterion", "before", "after", "error", "seconds")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        return str(self.message)
