"""Which part a row belongs to, told from the row itself, so that it is the same whoever reads it and whenever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from backlit.data.streams import hashing
from backlit.data.streams.sketches import WHOLE, Quantiles
from backlit.data.streams.table import Piece, StreamedTable
from backlit.data.table.moment import as_moments
from backlit.data.table.values import CellError, column_of
from backlit.errors import InputError
from backlit.languages import Template

TRAINING, VALIDATION, TEST, DROPPED = range(4)
PARTS = ("training", "validation", "test")
ALL_DIFFERENT = 0.7  # share of different rows from which equal ones are copies, and not alike by nature
BY_CONTENT = Template(
    "split by a hash of each row, so that equal rows are in the same part",
    "각 행의 해시(hash)로 나눴으므로 같은 행은 같은 부분에 들어갑니다.",
)
BY_PLACE = Template(
    "split by a hash of each row's place, since many rows are alike by nature",
    "본래 같은 행이 많으므로 각 행의 위치를 해시(hash)한 값으로 나눴습니다.",
)
BY_GROUP = Template(
    "split by a hash of {name!r}: no group is divided", "‘{name}’의 해시(hash)로 나눠 그룹이 쪼개지지 않습니다."
)
BY_TIME = Template(
    "split by {name!r}: validation rows from {validation} on, test rows from {test} on",
    "‘{name}’ 순서로 나눴습니다. {validation}부터 검증, {test}부터 테스트입니다.",
)
BY_TIME_ALONE = Template(
    "split by {name!r}: validation rows from {validation} on",
    "‘{name}’ 순서로 나눴습니다. {validation}부터 검증입니다.",
)


@dataclass(frozen=True)
class Division:
    """How rows are shared out.

    Attributes
    ----------
    of : callable
        ``of(piece, frame) -> uint8 (rows,)``, which part each row is in: 0, 1 or 2.
    columns : tuple of str or None
        That it looks at; None for all.
    note : str
        What was done, in a sentence.
    """

    of: Callable[[Piece, Any], np.ndarray]
    columns: tuple[str, ...] | None
    note: Any


def shares_of(split: Sequence[float]) -> np.ndarray:
    """The shares of training, validation and, if it has a third, test rows.

    Raises
    ------
    InputError
        If they aren't two or three positive numbers that add up to 1.
    """
    try:
        shares = np.asarray(split, dtype=float)
    except (TypeError, ValueError):
        shares = np.empty(0)
    if shares.ndim != 1 or len(shares) not in (2, 3) or not (shares > 0).all() or abs(shares.sum() - 1) > 1e-9:
        raise InputError(
            f"split needs the shares of training, validation and test rows, which add up to 1, got {split!r}"
        )
    return shares


def by_chance(shares: np.ndarray, seed: int, head: Any) -> Division:
    """By what rows hold; by their places, where many are alike."""
    different = head.height < 2 or len(np.unique(hashing.of_rows(head, seed))) >= ALL_DIFFERENT * head.height
    if different:
        return Division(lambda _, frame: parts_of(hashing.of_rows(frame, seed), shares), None, BY_CONTENT.say())
    return Division(lambda piece, frame: of_place(piece, frame, shares, seed), (), BY_PLACE.say())


def of_place(piece: Piece, frame: Any, shares: np.ndarray, seed: int) -> np.ndarray:
    """Parts by where rows stand."""
    return parts_of(hashing.of_places(seed, piece.file, piece.start, frame.height), shares)


def by_group(shares: np.ndarray, seed: int, name: str) -> Division:
    """By a column; rows without a value there are shared out one by one."""

    def of(piece: Piece, frame: Any) -> np.ndarray:
        column = column_of(frame, name)
        hashes = hashing.mixed(hashing.of_column(column) ^ np.uint64(hashing.mixed(np.array([seed], np.uint64))[0]))
        alone = (column.fill_nan(None) if column.dtype.is_float() else column).is_null().to_numpy()
        places = hashing.of_places(seed, piece.file, piece.start, frame.height)
        return parts_of(np.where(alone, places, hashes), shares)

    return Division(of, (name,), BY_GROUP.say(name=name))


def by_time(shares: np.ndarray, table: StreamedTable, name: str) -> Division:
    """By a column of times, whose quantiles one pass over it tells: rows of one time stay together."""
    seen = Quantiles(1 << 15)
    kinds = set()
    for piece, raw in table.scan([name]):
        frame = table.typed(raw, piece)
        times = _times(frame, name, partial(table.place, piece))
        kinds.add(frame[name].dtype)
        seen.add(times)
    ends = seen.at(np.cumsum(shares)[:-1])
    if len(np.unique(ends)) < len(ends) or ends[0] <= seen.at([0.0])[0]:
        raise InputError(f"column {name!r} has too few different times to split by; split by chance, or by a group")

    def of(piece: Piece, frame: Any) -> np.ndarray:
        del piece
        return np.searchsorted(ends, _times(frame, name, None), side="right").astype(np.uint8)

    told = [_spoken(end, kinds) for end in ends]
    note = BY_TIME.say(name=name, validation=told[0], test=told[-1]) if len(told) > 1 else None
    return Division(of, (name,), note or BY_TIME_ALONE.say(name=name, validation=told[0]))


def _times(frame: Any, name: str, where: Callable[[int], str] | None) -> np.ndarray:
    column = column_of(frame, name)
    try:
        values = column if column.dtype.is_numeric() else as_moments(column)
        values = values.fill_nan(None) if values.dtype.is_float() else values
        _require_all(values)
    except CellError as error:
        raise error.at(where(error.row)) if where else error from None
    times: np.ndarray = values.to_physical().cast(float).to_numpy()
    return times


def _require_all(times: Any) -> None:
    if times.null_count():
        row = int(times.is_null().arg_max() or 0)
        what = " is missing; rows can only be put in order if all have a time"
        raise CellError(times.name, row, what, "time")


def _spoken(end: float, kinds: set[Any]) -> str:
    if all(kind.is_numeric() for kind in kinds):
        return f"{end:g}"
    moment = np.datetime64(int(end), "us")
    return str(moment).removesuffix(".000000").removesuffix("T00:00:00")


def parts_of(hashes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Parts of hashes, uint8 (rows,): each has its share of all hashes there are.

    >>> parts_of(np.array([0, 2**63, 2**64 - 1], np.uint64), np.array([0.6, 0.4]))
    array([0, 0, 1], dtype=uint8)
    """
    ends = np.array([min(int(end * WHOLE), WHOLE - 1) for end in np.cumsum(shares)[:-1]], np.uint64)
    return np.searchsorted(ends, hashes, side="right").astype(np.uint8)
