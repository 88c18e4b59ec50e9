"""Columns of numbers: centred and scaled, gaps filled and marked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from backlit.data.files.cells import parse
from backlit.data.files.formats import Format, from_text
from backlit.data.table.column import Column, LeftOut, absent, checked, joined
from backlit.data.table.values import CellError, is_text, numbers
from backlit.languages import Template, join
from backlit.settings import finite, option, positive

NORMAL_IQR = 1.3489795  # interquartile range of a normal distribution, in standard deviations
HEAVY = 6.0  # times the interquartile range that the middle 98 % span; 3.4 for a normal distribution
FAR = 15.0  # interquartile ranges from the median to the farthest value; 3.7 in a million normal values
BEND = 3.0  # where squashing begins to bend
SOME = 5  # cells that are shown
QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
FIRST = 1000  # values that tell whether there are but two


SCALED = {
    "standard": Template("standardised", "표준화"),
    "robust": Template(
        "long tails: scaled by median and quartiles, squashed",
        "꼬리가 긴 분포: 중앙값과 사분위수로 조정한 뒤 압축",
    ),
    "log": Template("log(1 + x), standardised", "log(1 + x), 표준화"),
}
TEXT_OF_NUMBERS = Template("text of numbers, {how}", "글로 적힌 숫자, {how}")
AT_MEDIAN = Template("missing at the median {fill:g}, and marked", "결측은 중앙값 {fill:g}{으로/로} 채우고 표시")
NO_NUMBERS = Template("no numbers, so missing: {cells}", "숫자가 아니어서 결측으로 봄: {cells}")


class Spread(NamedTuple):
    """How known numbers (their logarithms, for that scaling) are spread: all that their scaling follows from.

    Attributes
    ----------
    quantiles : tuple of float
        At `QUANTILES`.
    farthest : float
        The largest distance from the median.
    filled : tuple of float
        Mean and standard deviation with gaps filled by the median.
    deviation : float
        Standard deviation of the known ones alone.
    two_values : bool
        Whether the first have at most two values.
    """

    quantiles: tuple[float, ...]
    farthest: float
    filled: tuple[float, float]
    deviation: float
    two_values: bool


@dataclass(frozen=True)
class Number(Column):
    """Numbers as ``z = (x - center) / scale``, missing ones at the median.

    Scaling is one of

    "standard": mean and standard deviation.
    "robust": median and interquartile range / 1.349, then squashed, ``z / √(1 + (z/3)²)``, so that a value far out in a
    long tail counts as 3 and doesn't drown all others (Holzmüller, Grinsztajn and Steinwart, "Better by default: strong
    pre-tuned MLPs and boosted trees on tabular data", 2024, arXiv:2407.04491).
    "log": ``log(1 + x)``, then mean and standard deviation.

    If values were missing in training, a second input is 1 where one is missing.

    Attributes
    ----------
    written : str
        How numbers are written, for a column that came as text, as `backlit.data.files.formats` spells it. Cells that
        are no numbers count as missing then.
    slips : tuple of str
        Some of those cells in training.
    """

    scaling: str = option("standard", names=tuple(SCALED))
    center: float = finite(0.0)
    scale: float = positive(1.0)
    fill: float = finite(0.0)
    whole: bool = False
    written: str = ""
    slips: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.written:
            from_text(self.written)

    @property
    def kind(self) -> str:
        return "whole number" if self.whole else "number"

    @property
    def done(self) -> str:
        how = SCALED[self.scaling].say()
        parts = [TEXT_OF_NUMBERS.say(how=how) if self.written else how]
        if self.missing:
            parts.append(AT_MEDIAN.say(fill=self.fill))
        if self.slips:
            parts.append(NO_NUMBERS.say(cells=", ".join(map(repr, self.slips))))
        return join("; ", parts)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.name, f"{self.name} missing") if self.missing else (self.name,)

    @classmethod
    def learn(cls, column: Any, scaling: str | None = None) -> Column:
        """Learn from training rows; the scaling is told from the tails unless it is given."""
        name, values = column.name, numbers(column)
        gaps = np.isnan(values)
        known = values[~gaps]
        whole = bool((known == np.round(known)).all())
        if scaling == "log":
            known = logged(name, values)[~gaps]
        with np.errstate(over="ignore", invalid="ignore"):
            quantiles = tuple(np.quantile(known, QUANTILES).tolist())
            filled = np.where(gaps, quantiles[2], 0.0)
            filled[~gaps] = known
            spread = Spread(
                quantiles,
                float(np.abs(known - quantiles[2]).max()),
                (float(filled.mean()), float(filled.std())),
                float(known.std()),
                len(np.unique(known[:FIRST])) <= 2,
            )
        return cls.of_spread(name, float(gaps.mean()), spread, scaling, whole)

    @classmethod
    def of_spread(cls, name: str, missing: float, spread: Spread, scaling: str | None, whole: bool) -> Column:
        """The column of numbers that are spread like this; the scaling is told from the tails unless it is given."""
        low, first, fill, third, high = spread.quantiles
        middle = third - first
        if scaling is None:
            scaling = "robust" if high - low > HEAVY * middle or spread.farthest > FAR * middle else "standard"
            scaling = "standard" if spread.two_values else scaling
        center, scale = spread.filled
        if scaling == "robust":
            center, scale = fill, (middle / NORMAL_IQR or spread.deviation)
        if not (np.isfinite(center) and np.isfinite(scale)):
            return LeftOut(name, missing, "number", f"reaches {spread.farthest:g}, too large to be scaled")
        fill = float(np.expm1(fill)) if scaling == "log" else float(fill)
        return cls(name, missing, scaling, float(center), float(scale) or 1.0, fill, whole)

    @classmethod
    def learn_text(cls, column: Any, format_: Format, values: Any, slips: Any) -> Column:
        """Learn from a column of text, all but a few of whose cells are numbers: see `cells.mostly`."""
        learned = cls.learn(values.alias(column.name))
        if not isinstance(learned, cls):
            return learned
        examples = tuple(slips.unique(maintain_order=True).head(SOME).to_list())
        return replace(learned, written=str(format_), slips=examples)

    def unseen(self, column: Any) -> int:
        if not self.written or not is_text(column):
            return 0
        cells = parse(column, from_text(self.written))[1]
        return int((~cells.is_in(list(self.slips))).sum())

    def _numbers(self, column: Any) -> np.ndarray:
        """A column's values; in one that was learned from text, what is no number is missing."""
        if not self.written or not is_text(column):
            return numbers(column)
        return numbers(parse(column, from_text(self.written))[0])

    def apply(self, column: Any) -> np.ndarray:
        values = self._numbers(column)
        gaps = np.isnan(values)
        filled = np.where(gaps, self.fill, values) if gaps.any() else values
        scaled = checked(self.name, filled, self._scaled)
        return joined([scaled, absent(values)]) if self.missing else scaled[:, None]

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        if self.scaling == "log":
            values = logged(self.name, values)
        z = (values - self.center) / self.scale
        return z / np.sqrt(1 + (z / BEND) ** 2) if self.scaling == "robust" else z


def logged(name: str, values: np.ndarray) -> np.ndarray:
    """log(1 + x) of numbers above -1; others are told by their row."""
    wrong = values <= -1
    if wrong.any():
        row = int(wrong.argmax())
        raise CellError(name, row, f": log(1 + x) needs numbers above -1, got {values[row]:g}")
    return np.log1p(values)
