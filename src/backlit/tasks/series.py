"""Time series: from a table with a time column to windows to learn from, and from a run to what comes next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from backlit.data.series import Grid, SeriesPreparation, Windows
from backlit.data.series.windows import split_in_time
from backlit.data.table.target import as_names
from backlit.errors import InputError
from backlit.nn.layer import Layer
from backlit.nn.spec.sequences import for_windows
from backlit.optim.exact import ridge
from backlit.tasks.task import Family, Material, read_table
from backlit.train.result import Run

WORDS = "mlp:64"  # what did best, with ridge regression to start from, on series other than those of the documentation
LONGEST = 192  # steps of a window that nobody chose
ALPHA = 1.0  # of the ridge regression; inputs are of the order of one


def from_series(
    table: Any,
    target: str | Sequence[str],
    *,
    time: str | None,
    horizon: int,
    window: int | None = None,
    series: str | None = None,
    columns: Mapping[str, str] | None = None,
    test: Any = None,
    decimal: str | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Material:
    """Windows of a file's, or anyone's data frame's, time series; see `fit_table` for the parameters.

    Raises
    ------
    InputError
        If times, target and series don't make series (see `Grid.of`), or they are too short for window and horizon.
    """
    names = as_names(target)
    if len(names) != 1:
        raise InputError(f"a series has one target, got {', '.join(names)}; other columns' past is looked at anyway")
    if time is None:
        raise InputError("horizon needs the column of times: time=COLUMN (--time COLUMN)")
    for name, steps in (("horizon", horizon), ("window", 1 if window is None else window)):
        if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
            raise InputError(f"{name} must be a whole number of at least 1, got {steps!r}")
    own = [names[0], time, *([series] if series else [])]
    if len(set(own)) < len(own):
        raise InputError(f"target, time and series must be different columns, got {', '.join(own)}")
    name, frame, formats, notes = read_table(table, decimal, progress)
    grid = Grid.of(frame, names[0], time, series)
    length = window if window is not None else _window(grid, horizon)
    windows = _windows(grid, length, horizon, "the table")
    if np.ptp(windows.future) == 0:
        raise InputError(f"target {names[0]!r} is {windows.future[0, 0]:g} at every step: there is nothing to learn")
    held = None
    if test is not None:
        _, given, _, found = read_table(test, decimal, None, formats)
        judged = _windows(Grid.of(given, names[0], time, series, grid.spacing), length, horizon, "the test table")
        notes += [*found, *(f"test: {note}" for note in judged.grid.notes)]
        held = (judged, judged.future)

    def divide(fractions: Sequence[float]) -> tuple[list[np.ndarray], list[str]]:
        parts, between = split_in_time(windows, fractions)
        return parts, [f"{between} windows reach from one part into the next and are left out"] if between else []

    def learn(rows: np.ndarray) -> SeriesPreparation:
        own = windows[rows]
        preparation = SeriesPreparation.learn(own, names[0], time, series, columns, formats)
        inputs = preparation.linear_inputs(preparation.apply(own))
        line = ridge(inputs, preparation.relative(own, own.future), alpha=ALPHA)
        return preparation.with_linear(line.weight, line.bias)

    return Material(
        name=name,
        raw=windows,
        y=windows.future,
        task="regression",
        learn=learn,
        test=held,
        notes=[*notes, *_told(grid, length, horizon, window is None), *grid.notes],
        divide=divide,
        family=Family(WORDS, network_for_windows),
    )


def network_for_windows(words: str, outputs: int, activation: str, dropout: float, preparation: Any = None) -> Layer:
    """The network that a spec describes, for windows."""
    del preparation
    return for_windows(words, outputs, activation, dropout)


def windows_of(run: Run, table: Any) -> Windows:
    """All windows of a table, or of a file, that a run on series can be judged on.

    Raises
    ------
    InputError
        If there is none.
    """
    preparation = run.preparation
    return _windows(preparation.grid(table), preparation.window, preparation.horizon, "the table")


def forecast(run: Run, table: Any, level: float = 0.9) -> Any:
    """What comes after the end of each series in a table: times, predictions and intervals.

    Parameters
    ----------
    run : Run
        From ``bl.fit(table, target=..., time=..., horizon=...)``.
    table : data frame, or path of a file
        The past of each series, at least a window long. Series may end at different times.
    level : float
        Probability with which an interval holds the truth, as counted on held-out windows.

    Returns
    -------
    polars.DataFrame
        A row for each series and step: its series (if there are several), time, "prediction", "lower" and "upper";
        those are missing where there were too few held-out windows for the level.

    Raises
    ------
    InputError
        If the run isn't one on series, or the table doesn't continue what it was trained on.

    Examples
    --------
    >>> import backlit as bl, polars as pl
    >>> table = pl.DataFrame({"t": range(60), "y": [float(i % 5) for i in range(60)]})
    >>> run = bl.fit(table, target="y", time="t", horizon=2, window=5, epochs=2, ensemble=1)
    >>> bl.forecast(run, table)["t"].to_list()
    [60, 61]
    """
    import polars as pl

    preparation = run.preparation
    if not isinstance(preparation, SeriesPreparation):
        raise InputError("this run wasn't trained on a time series; use predict (or train with a horizon)")
    windows = preparation.windows(table)
    grid, steps = windows.grid, preparation.horizon
    predicted = run.predict(windows)
    columns = {"prediction": predicted}
    if run.intervals is not None:
        columns["lower"], columns["upper"] = run.predict_interval(windows, level)
    places = (windows.places[:, None] + np.arange(steps)).ravel()
    found = [grid.spacing.column(preparation.time, places)]
    if preparation.series is not None:
        names = np.repeat(np.array(grid.names, dtype=object)[windows.series], steps)
        found.insert(0, pl.Series(preparation.series, names.tolist(), dtype=pl.String))
    plain = [pl.Series(name, np.where(np.isfinite(v), v, np.nan).ravel()).fill_nan(None) for name, v in columns.items()]
    return pl.DataFrame([*found, *plain])


def _windows(grid: Grid, window: int, horizon: int, what: str) -> Windows:
    windows = Windows.all(grid, window, horizon)
    if len(windows):
        return windows
    lengths = grid.last - grid.first + 1
    filled = " or every window ends in steps without a value" if grid.filled.any() else ""
    raise InputError(
        f"{what} has {int(lengths.max())} steps without a long gap at most{filled}; a window of {window} and a horizon "
        f"of {horizon} need {window + horizon} for a single example: give more of the past, a shorter window or a "
        "shorter horizon"
    )


def _window(grid: Grid, horizon: int) -> int:
    """Two seasons or two horizons, whichever is longer."""
    return max(4, 2 * horizon, min(2 * (grid.spacing.season or 0), LONGEST))


def _told(grid: Grid, window: int, horizon: int, chosen: bool) -> list[str]:
    """What was understood of the times, in sentences."""
    season = grid.spacing.season
    again = f"a season is {season} steps (a {grid.spacing.cycle})" if season else "no season is known"
    many = f"{len(grid.names)} series, " if len(grid.names) > 1 else ""
    looked = f"window {window} (chosen), " if chosen else ""
    return [f"{many}{len(grid.values)} steps, one each {grid.spacing.every}; {looked}{again}"]
