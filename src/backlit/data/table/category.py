"""Columns of categories: one input a level, or a code for a learned embedding if there are many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.table.column import MARKED, Column
from backlit.data.table.values import is_number, words
from backlit.errors import InputError
from backlit.languages import Template, join

MAX_LEVELS = 30  # a category with more is embedded
OTHER, GAP = "(other)", "(missing)"
UNSEEN = -2
EACH_AN_INPUT = Template("{count} levels, one input each", "수준 {count}개, 수준마다 입력 하나")
EMBEDDED = Template("{count} levels, embedded", "수준 {count}개, 임베딩(embedding)")
SIGNS = Template("{low} is -1, {high} is 1", "{low} 값은 -1, {high} 값은 1")
JOINED = Template("{count} rare ones joined", "드문 수준 {count}개는 하나로 묶음")
A_LEVEL = Template("missing is a level", "결측도 하나의 수준")


def rare_below(rows: int) -> int:
    """Levels with fewer training rows than this are joined: 1 %, at least 2 and at most 10 rows."""
    return int(min(10, max(2, -(-rows // 100))))


@dataclass(frozen=True)
class Category(Column):
    """Levels by name.

    Up to 30 levels become one 0/1 input each; more become a code, whose vector the network learns. Two levels without
    anything else become one input, -1 and 1.

    Attributes
    ----------
    levels : tuple of str
        In order; whole numbers by their value, the rest by the alphabet.
    rare : tuple of str
        Levels with too few rows, which share the level "(other)"; levels that training never saw join them there.
    """

    levels: tuple[str, ...] = ()
    rare: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if len({*self.levels, *self.rare}) < len(self.levels) + len(self.rare):
            raise InputError(f"{self.name}: a level is there twice")

    @property
    def kind(self) -> str:
        return "yes/no" if self.is_binary else "category"

    @property
    def is_binary(self) -> bool:
        """Whether it has two levels, and nothing beside them."""
        return len(self.levels) == 2 and not self.rare

    @property
    def done(self) -> str:
        how = EACH_AN_INPUT.say(count=len(self.levels))
        if self.is_binary:
            how = SIGNS.say(low=self.levels[0], high=self.levels[1])
        if self.rows_to_learn:
            how = EMBEDDED.say(count=len(self.levels))
        rare = [JOINED.say(count=len(self.rare))] if self.rare else []
        gap = [(MARKED if self.is_binary else A_LEVEL).say()] if self.missing else []
        return join("; ", [how, *rare, *gap])

    @property
    def places(self) -> tuple[str, ...]:
        """All levels, with those for rare and for missing values."""
        other = (OTHER,) if self.rare or len(self.levels) > MAX_LEVELS else ()
        return self.levels + other + ((GAP,) if self.missing else ())

    @property
    def inputs(self) -> tuple[str, ...]:
        if self.rows_to_learn:
            return (self.name,)
        if self.is_binary:
            return (f"{self.name}={self.levels[1]}", *([f"{self.name}={GAP}"] if self.missing else []))
        return tuple(f"{self.name}={place}" for place in self.places)

    @property
    def rows_to_learn(self) -> int:
        return len(self.places) if len(self.levels) > MAX_LEVELS else 0

    @classmethod
    def learn(cls, column: Any) -> Category:
        """The levels of the training rows, rare ones apart."""
        text = words(column)
        counts = text.drop_nulls().alias("level").value_counts()  # a column may be called "count"
        levels = dict(zip(counts["level"].to_list(), counts["count"].to_list(), strict=True))
        return cls.of_counts(column.name, text.null_count() / len(text), levels, len(text))

    @classmethod
    def of_counts(cls, name: str, missing: float, levels: Mapping[str, int], rows: int) -> Category:
        """The category of levels that occur so often in so many rows, missing values included."""
        fewest = rare_below(rows)
        rare = [level for level, count in levels.items() if count < fewest]
        if len(rare) < 2 or len(rare) == len(levels):
            rare = []  # a single rare level would only change its name
        frequent = sorted(set(levels) - set(rare), key=_order)
        return cls(name, missing, tuple(frequent), tuple(sorted(rare, key=_order)))

    def apply(self, column: Any) -> np.ndarray:
        codes = self.codes(column)
        places = self.places
        if OTHER in places:
            codes = np.where(codes == UNSEEN, places.index(OTHER), codes)
        if self.rows_to_learn:
            unknown = places.index(OTHER)
            return np.where(codes < 0, unknown, codes).astype(np.float32)[:, None]
        if self.is_binary:
            sign = np.select([codes == 0, codes == 1], [-1.0, 1.0], 0.0)
            parts = [sign, codes == places.index(GAP)] if self.missing else [sign]
            return np.stack(parts, axis=1).astype(np.float32)
        return (codes[:, None] == np.arange(len(places))).astype(np.float32)

    def codes(self, column: Any) -> np.ndarray:
        """Places of the values among `places`; -1 for missing ones without a place, -2 for levels never seen.

        Where the training's column held text, a file's may be read as numbers or booleans: then 1 is the level "01",
        and True the level "true", if there is no doubt.
        """
        import polars as pl

        places = self.places
        exact = {level: place for place, level in enumerate(self.levels)}
        exact |= {level: places.index(OTHER) for level in self.rare}
        loose: dict[str, int] = {}
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            alike = [_loose(level) for level in exact]
            loose = {_loose(level): place for level, place in exact.items() if alike.count(_loose(level)) == 1}
        text = words(column)
        distinct = text.unique().drop_nulls().to_list()
        table = {word: exact.get(word, loose.get(_loose(word), UNSEEN)) for word in distinct}
        gap = places.index(GAP) if GAP in places else -1
        if not table:
            return np.full(len(text), gap, dtype=np.int64)
        level_codes = text.replace_strict(list(table), list(table.values()), default=None, return_dtype=pl.Int64)
        return level_codes.fill_null(gap).to_numpy()

    def unseen(self, column: Any) -> int:
        return int((self.codes(column) == UNSEEN).sum())


def _order(level: str) -> tuple[bool, float, str]:
    """Numbers by their value, before words."""
    number = is_number(level) and np.isfinite(float(level))
    return (not number, float(level) if number else 0.0, level)


def _loose(word: str) -> str:
    return repr(float(word)) if is_number(word) else word.lower()
