"""Grid: a table of time series with one row a step, small gaps filled, cut where gaps are large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.series.spacing import Spacing
from backlit.data.table.values import column_of, numbers, words
from backlit.errors import InputError
from backlit.languages import Template

IN_ORDER = Template("rows are put in order of time", "데이터를 시간순으로 정렬했습니다.")
TWICE = Template(
    "{time!r}: an hour that comes twice is that when clocks are put back in {zone}; both are counted",
    "‘{time}’: 두 번 나오는 시각은 {zone}의 서머타임이 끝날 때의 것이므로 둘 다 셉니다.",
)
COPIES = Template("{count} rows are copies of others and are dropped", "다른 것과 똑같은 {count}개를 뺐습니다.")
FILL = 3  # steps without a value, one after another, that are filled; a longer gap cuts the series


@dataclass(eq=False)
class Grid:
    """Series in pieces, each without a gap: row by row one step on, one piece after the other.

    A step without a value lies on the line between its neighbours, and is marked; other columns keep their last values.

    Attributes
    ----------
    frame : polars.DataFrame
        The table's columns, one row a step.
    values : float array (steps,)
        The target.
    filled : bool array (steps,)
        Where the target wasn't in the table.
    places : int array (steps,)
        Times, as `Spacing` counts them.
    first, last : int array (steps,)
        The first and last row of the piece that a row belongs to.
    series : int array (steps,)
        Which of `names`.
    names : list of str
    spacing : Spacing
    notes : list of str
        What was found and done, in sentences.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"day": ["2024-01-04", "2024-01-01", "2024-01-02"], "sold": [8.0, 2.0, 4.0]})
    >>> grid = Grid.of(table, "sold", "day")
    >>> grid.values.tolist(), grid.filled.tolist()
    ([2.0, 4.0, 6.0, 8.0], [False, False, True, False])
    """

    frame: Any
    values: np.ndarray
    filled: np.ndarray
    places: np.ndarray
    first: np.ndarray
    last: np.ndarray
    series: np.ndarray
    names: list[str]
    spacing: Spacing
    notes: list[str]

    @classmethod
    def of(cls, frame: Any, target: str, time: str, series: str | None = None, spacing: Spacing | None = None) -> Grid:
        """A table as a grid.

        Parameters
        ----------
        frame : polars.DataFrame
        target, time, series : str
            Its columns; without `series`, the table is one series.
        spacing : Spacing, optional
            The training's; found if left out.

        Raises
        ------
        InputError
            If a column is missing, a target is no number, a time or series is missing, times are unevenly spaced, or
            a series has several rows at one time. Rows that are copies of each other are dropped, and counted.
        """
        values = numbers(column_of(frame, target))
        if np.isnan(values).all():
            raise InputError(f"target {target!r}: every value is missing")
        names, codes = _names(frame, series)
        times = column_of(frame, time)
        if spacing is None:
            spacing, places = Spacing.learn(times, codes)
        else:
            places = spacing.places(times, codes)
        order = np.lexsort((places, codes))
        in_order = (np.diff(order) > 0).all() or _grouped(codes, places)
        notes: list[str] = [] if in_order else [IN_ORDER.say()]
        if spacing.bare:
            notes.append(TWICE.say(time=time, zone=spacing.zone))
        order, copies = _without_copies(frame, order, codes, places, time, series)
        if copies:
            notes.append(COPIES.say(count=copies))
        known_rows = order[~np.isnan(values[order])]
        steps = np.diff(places[known_rows])
        is_cut = (np.diff(codes[known_rows]) != 0) | (steps - 1 > FILL)
        piece = np.concatenate([[0], np.cumsum(is_cut)])  # of each known row
        begins = np.concatenate([[0], np.flatnonzero(is_cut) + 1])
        ends = np.concatenate([np.flatnonzero(is_cut), [len(known_rows) - 1]])
        lengths = places[known_rows[ends]] - places[known_rows[begins]] + 1
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        owner = np.repeat(np.arange(len(lengths)), lengths)
        rows = starts[piece] + places[known_rows] - places[known_rows[begins]][piece]  # in the grid
        total = int(lengths.sum())
        filled = np.ones(total, dtype=bool)
        filled[rows] = False
        grid = cls(
            frame=frame[_sources(order, codes, places, known_rows[begins], known_rows[ends], starts, total)],
            values=np.interp(np.arange(total), rows, values[known_rows]),
            filled=filled,
            places=np.arange(total) - starts[owner] + places[known_rows[begins]][owner],
            first=starts[owner],
            last=(starts + lengths - 1)[owner],
            series=codes[known_rows[begins]][owner],
            names=names,
            spacing=spacing,
            notes=notes,
        )
        return grid._with_notes(target, values[order], codes[order], bool(series))

    def _with_notes(self, target: str, values: np.ndarray, codes: np.ndarray, several: bool) -> Grid:
        """The grid, with notes on its gaps."""
        pieces, series = len(np.unique(self.first)), len(np.unique(self.series))
        number = int(self.filled.sum())
        if number:
            share = number / len(self.filled)
            self.notes.append(
                f"{target!r}: {number} steps without a value ({share:.1%}), at most {FILL} in a row, are filled by "
                "straight lines; they are looked back on, never learned as truth or judged"
            )
        if pieces > series:
            self.notes.append(
                f"{target!r}: {pieces - series} longer gaps cut "
                f"{f'the {series} series' if several else 'the series'} into {pieces} pieces; no window spans a gap"
            )
        missing = np.isnan(values)
        at_end = sum(_trailing(missing[codes == code]) for code in np.unique(codes[missing]))
        if at_end:
            self.notes.append(f"{at_end} rows at the end have no {target!r} yet: what is known ends before them")
        return self


def _trailing(missing: np.ndarray) -> int:
    """How many at the end are missing, unless all are."""
    return 0 if missing.all() else int(missing[::-1].argmin())


def _grouped(codes: np.ndarray, places: np.ndarray) -> bool:
    """Whether each series' rows come in order of time, however the series are mixed."""
    order = np.argsort(codes, kind="stable")
    return bool(((np.diff(places[order]) >= 0) | (np.diff(codes[order]) != 0)).all())


def _names(frame: Any, series: str | None) -> tuple[list[str], np.ndarray]:
    """Series by name, and which each row belongs to."""
    if series is None:
        return ["series"], np.zeros(frame.height, dtype=np.int64)
    text = words(column_of(frame, series))
    if text.null_count():
        row = int(text.is_null().arg_max() or 0)
        raise InputError(f"series {series!r}: row {row + 1} is missing; every row must say which series it belongs to")
    return text.unique().sort().to_list(), text.rank("dense").to_numpy().astype(np.int64) - 1


def _without_copies(
    frame: Any, order: np.ndarray, codes: np.ndarray, places: np.ndarray, time: str, series: str | None
) -> tuple[np.ndarray, int]:
    """Rows in order, without copies; several different rows at one time are refused."""
    is_repeat = (np.diff(codes[order]) == 0) & (np.diff(places[order]) == 0)
    if not is_repeat.any():
        return order, 0
    repeats = np.flatnonzero(is_repeat)
    is_copy = np.array([frame.row(int(order[i])) == frame.row(int(order[i + 1])) for i in repeats])
    if is_copy.all():
        return np.delete(order, repeats + 1), len(repeats)
    i = repeats[~is_copy][0]
    first_row, second_row = sorted((int(order[i]) + 1, int(order[i + 1]) + 1))
    moment = frame[time][int(order[i])]
    if series is None:
        remedy = f"{_tells_apart(frame, codes, places, time)}join the rows of a time into one"
    else:
        remedy = "join the rows of a time into one, or give a column that tells them apart"
    owner = "" if series is None else f" of series {frame[series][int(order[i])]!r}"
    raise InputError(
        f"time {time!r}: {int((~is_copy).sum())} times have several rows, first {moment}{owner} "
        f"(rows {first_row} and {second_row}); {remedy}"
    )


def _tells_apart(frame: Any, codes: np.ndarray, places: np.ndarray, time: str) -> str:
    """Which column tells rows of one time apart, if one does."""
    import polars as pl

    for name in frame.columns:
        if name == time or frame[name].dtype.is_float() or frame[name].n_unique() > frame.height / 2:
            continue
        if not frame.select(pl.col(name), pl.Series(places).alias(" place")).is_duplicated().any():
            return f"if {name!r} says which series a row belongs to, give it: --series {name}; otherwise "
    return "give the column that tells series apart (--series COLUMN), or "


def _sources(
    order: np.ndarray, codes: np.ndarray, places: np.ndarray, begins: Any, ends: Any, starts: np.ndarray, total: int
) -> np.ndarray:
    """The table's row that each step's other columns come from: its own, or the last before it."""
    sources = np.zeros(total, dtype=np.int64)
    spread = int(places.max() - places.min()) + 1
    key = codes * spread + (places - places.min())  # one number that grows along the rows in order
    piece = np.searchsorted(key[begins], key[order], side="right") - 1
    inside = (piece >= 0) & (key[order] <= key[ends][piece])
    rows = order[inside]
    at = starts[piece[inside]] + places[rows] - places[begins][piece[inside]]
    sources[at] = np.arange(len(rows))
    return rows[np.maximum.accumulate(sources)]
