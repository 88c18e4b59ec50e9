"""Columns as a table in memory would have them, from what passed by once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from backlit.data.files.cells import ENOUGH as DIFFERENT
from backlit.data.files.cells import SLIPS, mostly
from backlit.data.streams.summaries import Dates, FiguresInText, Ignored, Levels, Numbers, Summary, Unlike, UnlikeError
from backlit.data.table.category import MAX_LEVELS, Category, rare_below
from backlit.data.table.column import Column, LeftOut
from backlit.data.table.moment import Moment
from backlit.data.table.number import Number
from backlit.data.table.understanding import (
    ENOUGH,
    IDENTIFIER,
    LONG,
    MOST_STEPS,
    MOSTLY_DIFFERENT,
    TELLING,
    are_dates,
    correlation,
    ranks,
)
from backlit.data.table.values import known, words
from backlit.languages import Template

ALL = 0.97  # share of different values from which, where they are estimated, all may differ
RARE = 1000  # rare levels that are named where there are too many to count
QUANTILES = Template(
    "quantiles of {count} columns are within {error:.2%} of the rows, since not all values are kept",
    "모든 값을 저장하지 않으므로 열 {count}개의 분위수는 전체 행의 {error:.2%} 안에서 맞습니다.",
)
LEVELS = Template(
    "{name!r}: about {different} different values, of which the {kept} most frequent are counted (to within {error} "
    "rows); the others are one level",
    "‘{name}’ 열: 서로 다른 값이 약 {different}가지이며, 가장 잦은 {kept}가지만 셌습니다(오차 {error}행 "
    "이내). 나머지는 하나의 수준으로 묶습니다.",
)


def learned(
    summary: Summary, kind: Any, wish: str | None, sample: Any, ranked: Callable[[], np.ndarray], pinned: str | None
) -> Column:
    """The column that a summary tells.

    Parameters
    ----------
    summary : Summary
    kind : polars type
    wish : str or None
    sample : polars.Series
        Some training rows.
    ranked : callable
        The target of the same rows, as numbers.
    pinned : str or None
        What an earlier pass found, which isn't asked again.

    Raises
    ------
    UnlikeError
        If the column is of another kind than it was summed up as.
    """
    if wish == "drop":
        return _left_out(summary, "left out", "as asked")
    if isinstance(summary, Ignored):
        return _left_out(summary, "other", f"holds {kind}")
    if summary.gaps == summary.rows:
        return _left_out(summary, "empty", "every value is missing")
    if isinstance(summary, Levels):
        return _of_levels(summary, wish, sample, pinned)
    if isinstance(summary, Dates):
        return _of_dates(summary, wish, sample)
    if isinstance(summary, Numbers):
        return _of_numbers(summary, wish, sample, ranked)
    raise TypeError(type(summary))


def _of_dates(summary: Dates, wish: str | None, sample: Any) -> Column:
    elapsed = summary.parts["elapsed"]
    if elapsed.low == elapsed.high:
        if not summary.gaps:
            return _left_out(summary, "constant", f"always {known(sample)[0]!r}")
        if wish is None:
            return Category.of_counts(
                summary.name, summary.missing, {words(known(sample))[0]: elapsed.count}, summary.rows
            )
    return Moment.of_ranges(summary.name, summary.missing, summary.ranges(), trend=wish != "season")


def _of_numbers(summary: Numbers, wish: str | None, sample: Any, ranked: Callable[[], np.ndarray]) -> Column:
    moments = summary.moments
    in_text = isinstance(summary, FiguresInText) and (summary.slipped > 0 or not _is_numeric(sample))
    if in_text and isinstance(summary, FiguresInText):
        many = summary.slipped > SLIPS * (moments.count + summary.slipped)
        few = len(np.unique(summary.first)) <= DIFFERENT and moments.count < len(summary.first) + 1
        if many or few or len(np.unique(np.append(summary.first, [moments.low, moments.high]))) <= DIFFERENT:
            raise UnlikeError(Unlike(summary.name, "text"))
    if moments.low == moments.high:
        if not summary.gaps:
            return _left_out(summary, "constant", f"always {known(sample)[0]!r}")
        if wish is None and not in_text:
            level = words(known(sample)[:1])[0]
            return Category.of_counts(summary.name, summary.missing, {level: moments.count}, summary.rows)
    if wish is None and not in_text and not summary.gaps and _names_rows(summary, sample, ranked):
        return _left_out(summary, "identifier", "numbers that only name the rows")
    return as_number(summary, wish)


def as_number(summary: Numbers, wish: str | None = None) -> Column:
    """The column as numbers, whatever they may name."""
    scaling = None if wish in (None, "number") else wish
    column = Number.of_spread(summary.name, summary.missing, summary.spread(), scaling, summary.whole)
    if isinstance(summary, FiguresInText) and isinstance(column, Number) and summary.written:
        return replace(column, written=str(summary.format), slips=tuple(summary.slips))
    return column


def _is_numeric(column: Any) -> bool:
    return bool(column.dtype.is_numeric())


def _names_rows(summary: Numbers, sample: Any, ranked: Callable[[], np.ndarray]) -> bool:
    """Whether numbers only name the rows: see `understand`, of which this is the rule."""
    if summary.rows < ENOUGH or not summary.whole or not summary.named:
        return False
    low, high = summary.moments.low, summary.moments.high
    name = summary.name
    if summary.grows and high - low + 1 <= MOST_STEPS * summary.rows:
        return True
    if IDENTIFIER.search(name) is None or summary.different.estimate <= MOSTLY_DIFFERENT * summary.rows:
        return False
    return not correlation(ranks(sample.cast(float).to_numpy()), ranks(ranked())) > TELLING


def _of_levels(summary: Levels, wish: str | None, sample: Any, pinned: str | None) -> Column:
    import polars as pl

    name, rows = summary.name, summary.rows - summary.gaps
    exact = summary.counts.is_exact and not summary.given_up
    different = len(summary.counts.counts) if exact else summary.different.estimate
    if different < 2 and not summary.gaps:
        return _left_out(summary, "constant", f"always {known(sample)[0]!r}")
    if wish is None and different > 1:
        if summary.length > LONG and different > MAX_LEVELS:
            return _left_out(summary, "text", f"prose, {summary.length:.0f} characters in the mean")
        if sample.dtype == pl.String and pinned is None and len(present := known(sample)):
            if present.n_unique() > 1 and are_dates(present):
                raise UnlikeError(Unlike(name, "dates", sample))
            if mostly(present) is not None:
                raise UnlikeError(Unlike(name, "figures", sample))
        if rows > 2 and (different == rows if exact else different >= ALL * rows):
            return _left_out(summary, "identifier", "different in every row")
        if different > MAX_LEVELS and different > MOSTLY_DIFFERENT * rows:
            about = "" if exact else "about "
            return _left_out(summary, "text", f"{about}{different} different values in {rows} rows")
    if summary.given_up:
        raise UnlikeError(Unlike(name, "counted"))
    levels = summary.levels()
    if not exact:
        fewest = rare_below(summary.rows)
        rare = [level for level, count in levels.items() if count < fewest]
        levels = {level: count for level, count in levels.items() if count >= fewest} | {
            level: levels[level] for level in rare[:RARE]
        }
    category = Category.of_counts(name, summary.missing, levels, summary.rows)
    if wish is None and different > 1 and not (len(category.levels) > 1 or category.missing):
        return _left_out(summary, "text", "hardly a value occurs twice")
    return category


def told_approximate(summaries: dict[str, Summary], columns: tuple[Column, ...]) -> list[Any]:
    """What of the columns in use is approximate, in sentences."""
    used = {column.name for column in columns if column.inputs}
    errors = [
        error
        for name, summary in summaries.items()
        if name in used and isinstance(summary, Numbers) and (error := summary.quantiles.error)
    ]
    notes = [QUANTILES.say(count=len(errors), error=max(errors))] if errors else []
    for name, summary in summaries.items():
        if name in used and isinstance(summary, Levels) and not summary.counts.is_exact:
            counts = summary.counts
            notes.append(
                LEVELS.say(name=name, different=summary.different.estimate, kept=len(counts.counts), error=counts.error)
            )
    return notes


def _left_out(summary: Summary, kind: str, note: str) -> LeftOut:
    return LeftOut(summary.name, summary.nulls / summary.rows if summary.rows else 0.0, kind, note)
