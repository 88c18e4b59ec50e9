"""SeriesPreparation: windows as a network's inputs and targets, learned on training windows only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.files import read_source
from backlit.data.files.zones import at_home
from backlit.data.frames import as_targets
from backlit.data.preparation import Preparation
from backlit.data.series.grid import Grid
from backlit.data.series.spacing import DAY, Spacing
from backlit.data.series.windows import Windows
from backlit.data.table.column import Column, LeftOut
from backlit.data.table.moment import CYCLES, Moment
from backlit.data.table.understanding import understand
from backlit.data.table.values import as_polars
from backlit.errors import InputError, unknown
from backlit.languages import Template, join
from backlit.schema import fitted, parts

EACH_DAY = Template("one row each day", "하루에 한 행")
EACH_STEP = Template("one row each {every}", "한 행의 간격: {every}")
AS_CYCLES = Template("{cycles} as cycles", "{cycles}{을/를} 주기로 표현")
OWN_SCALES = Template("{count} series, each with its own scale", "시계열 {count}개, 저마다의 척도로 조정")
STEPS_BACK = Template("{count} steps back, less the last value, scaled", "이전 {count}단계에서 마지막 값을 빼고 조정")
STEPS_BACK_BY_SERIES = Template(
    "{count} steps back, less the last value, scaled by series", "이전 {count}단계에서 마지막 값을 빼고 시계열별로 조정"
)
LOGGED = Template("logarithms", "로그")
LEAST = 0.01  # of the smallest training value, as which later ones that have no logarithm are taken
BOUNDS = (-700.0, 700.0)  # of logarithms, so that whatever a network says is a number
FLAT = 0.01  # scale of a series that doesn't vary, as a share of its level
LENGTHS = {"month": 365.2425 * DAY, "weekday": 7 * DAY, "hour": DAY}  # of the cycles, in microseconds


ROWS = tuple[tuple[float, ...], ...]  # a matrix in a file


@dataclass(frozen=True, eq=False)
class SeriesPreparation(Preparation):
    """Turns windows into inputs (rows, window, features), and targets into what is left for the network to learn.

    The first feature is the target's past, less its last value, in units of the series' own scale: the root mean square
    of that difference in training. So a level that drifts stays in the range that was learned, and small series count
    as much as large ones. Other columns' pasts and the calendar's cycles follow.

    The network learns what a linear forecast on the same windows leaves over:
    ``target = last + scale · (linear(inputs) + network(inputs))``; of the logarithms, where these are learned.

    Attributes
    ----------
    target, time, series : str
        The table's columns; `series` may be None.
    spacing : Spacing
    window, horizon : int
        Steps that are looked back on, and that are predicted.
    scales : dict of series to float
        Series that training didn't have are scaled by their window, and counted by `unseen`.
    columns : tuple of Column
        The other columns.
    cycles : Moment
        The calendar: cycles that training saw at least twice.
    weight, bias : arrays (inputs, horizon) and (horizon,), optional
        The linear forecast: see `linear_inputs`.
    floor : float, optional
        Logarithms are learned, so that errors are relative: of values from here on; what is smaller counts as this.
    rivals : dict of str to (weight, bias)
        Other linear forecasts, to compare with.
    errors : array (tried, horizon), optional
        How far off the linear forecast was on training windows that it hadn't seen, as the network's targets are.
    formats : dict
        How the file's text became values.
    """

    target: str
    time: str
    series: str | None
    spacing: Spacing
    window: int
    horizon: int
    scales: Mapping[str, float]
    columns: tuple[Column, ...] = ()
    cycles: Moment = field(default_factory=lambda: Moment("time"))
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    floor: float | None = None
    rivals: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    errors: np.ndarray | None = None
    formats: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def learn(
        cls,
        windows: Windows,
        target: str,
        time: str,
        series: str | None = None,
        wishes: Mapping[str, str] | None = None,
        formats: Mapping[str, str] | None = None,
        logged: bool = False,
    ) -> SeriesPreparation:
        """Learn from training windows; `columns` and `scales` see nothing later than their last future.

        With `logged`, the target's logarithms are learned; all training values must be above 0.

        Raises
        ------
        InputError
            If a wish names no column, or the target, time or series.
        """
        grid, roles = windows.grid, (target, time, series)
        for name in wishes or {}:
            if name not in grid.frame.columns:
                raise unknown("column", name, grid.frame.columns)
            if name in roles:
                raise InputError(f"column {name!r} is the target, time or series; its kind can't be chosen")
        in_training = grid.places < windows.places.max() + windows.horizon
        frame = grid.frame.filter(in_training)
        columns = tuple(
            _narrow(understand(frame[name], (wishes or {}).get(name))) for name in frame.columns if name not in roles
        )
        floor = LEAST * float(grid.values[in_training].min()) if logged else None
        return cls(
            target=target,
            time=time,
            series=series,
            spacing=grid.spacing,
            window=windows.window,
            horizon=windows.horizon,
            scales=_scales(windows, seen(windows.past, floor)),
            columns=columns,
            cycles=_cycles(time, grid.spacing, grid.places[in_training]),
            floor=floor,
            formats=dict(formats or {}),
        )

    @property
    def names(self) -> list[str]:
        """The features of a step."""
        return [self.target, *(name for column in self.columns for name in column.inputs), *self.cycles.inputs]

    def windows(self, table: Any) -> Windows:
        """Windows as they are; of a table or file, the last window of each series."""
        if isinstance(table, Windows):
            if (table.window, table.horizon) != (self.window, self.horizon):
                raise InputError(
                    f"the run takes windows of {self.window} steps and predicts {self.horizon}, "
                    f"got {table.window} and {table.horizon}"
                )
            return table
        return Windows.latest(self.grid(table), self.window, self.horizon)

    def grid(self, table: Any) -> Grid:
        """A table, or a file that is read as the training's was, as a grid of the training's spacing."""
        is_path = isinstance(table, (str, Path))
        if is_path:
            source = read_source(table, formats=self.formats)
            frame = at_home(source.frame, self.time, source.formats)
        else:
            frame = as_polars(table)
        needed = [self.time, self.target, *([self.series] if self.series else [])]
        needed += [column.name for column in self.columns if column.inputs]
        absent = [name for name in needed if name not in frame.columns]
        if absent:
            raise InputError(
                f"column {absent[0]!r} is missing; to continue a series, give the past of {', '.join(needed)}"
            )
        return Grid.of(frame, self.target, self.time, self.series, self.spacing)

    def apply(self, table: Any) -> np.ndarray:
        """Inputs (rows, window, features), float32, of windows, or of each series' last window in a table or file."""
        windows = self.windows(table)
        grid, past = windows.grid, seen(windows.past, self.floor)
        relative = (past - past[:, -1:]) / self.scale(windows)
        parts = [column.apply(grid.frame[column.name]) for column in self.columns if column.inputs]
        if self.cycles.inputs:
            parts.append(self.cycles.apply(_moments(self.time, grid.spacing, grid.places)))
        of_steps = np.concatenate(parts, axis=1) if parts else np.empty((len(grid.values), 0), np.float32)
        inputs = np.empty((len(windows), self.window, 1 + of_steps.shape[1]), np.float32)
        inputs[:, :, 0] = relative
        inputs[:, :, 1:] = of_steps[windows.rows]
        return inputs

    def linear_inputs(self, inputs: np.ndarray) -> np.ndarray:
        """What the linear forecast sees, (rows, inputs): the target's past, and the last step's other features."""
        return np.concatenate([inputs[:, :, 0], inputs[:, -1, 1:]], axis=1).astype(np.float64)

    def linear(self, windows: Windows) -> np.ndarray:
        """The linear forecast in the target's unit, (rows, horizon); the last value, before there is one."""
        return self.absolute(windows, np.zeros((len(windows), self.horizon)))

    def rival(self, windows: Windows, name: str) -> np.ndarray:
        """What one of `rivals` forecasts, in the target's unit, (rows, horizon)."""
        weight, bias = self.rivals[name]
        return self.absolute(windows, self.linear_inputs(self.apply(windows)) @ weight + bias - self._line(windows))

    def relative(self, table: Any, y: np.ndarray) -> np.ndarray:
        """Targets (rows, horizon) as the network learns them: what the linear forecast leaves over, by scale."""
        windows = self.windows(table)
        ahead = seen(as_targets(y), self.floor) - seen(windows.past[:, -1:], self.floor)
        return ahead / self.scale(windows) - self._line(windows)

    def absolute(self, table: Any, z: np.ndarray) -> np.ndarray:
        """What the network says, in the target's unit: the inverse of `relative`."""
        windows = self.windows(table)
        values = (z + self._line(windows)) * self.scale(windows) + seen(windows.past[:, -1:], self.floor)
        return values if self.floor is None else np.exp(np.clip(values, *BOUNDS))

    def scale(self, windows: Windows) -> np.ndarray:
        """The scale of each window's series, (rows, 1)."""
        names = windows.grid.names
        scales = np.array([self._scale_of(name) for name in names])[windows.series]
        is_new = np.isnan(scales)
        if is_new.any():
            past = seen(windows.past[is_new], self.floor)
            scales[is_new] = _spread(past - past[:, -1:], past)
        return scales[:, None]

    def _scale_of(self, name: str) -> float:
        return next(iter(self.scales.values())) if self.series is None else self.scales.get(name, np.nan)

    def _line(self, windows: Windows) -> np.ndarray | float:
        if self.weight is None or self.bias is None:
            return 0.0
        return self.linear_inputs(self.apply(windows)) @ self.weight + self.bias

    @property
    def target_names(self) -> tuple[str, ...]:
        """The column that is continued."""
        return (self.target,)

    def unseen(self, table: Any) -> dict[str, int]:
        """Series that training didn't have, and rows with a level that it didn't have, counted by column."""
        grid = table.grid if isinstance(table, Windows) else self.grid(table)
        counts = {column.name: column.unseen(grid.frame[column.name]) for column in self.columns if column.inputs}
        if self.series is not None:
            is_new = np.array([name not in self.scales for name in grid.names])
            counts[self.series] = int(is_new[grid.series].sum())
        return {name: count for name, count in counts.items() if count}

    def rows(self) -> list[dict[str, Any]]:
        """One dict a column: name, kind, what was done, missing share; for tables that people read."""
        step_text = self.spacing.every
        steps = [EACH_DAY.say() if step_text == "day" else EACH_STEP.say(every=step_text)]
        if self.cycles.inputs:
            steps.append(AS_CYCLES.say(cycles=self.cycles.done))
        rows: list[tuple[str, str, float, str, int]] = []
        rows.append((self.time, "time", 0.0, join("; ", steps), len(self.cycles.inputs)))
        if self.series is not None:
            rows.append((self.series, "series", 0.0, OWN_SCALES.say(count=len(self.scales)), 0))
        back = STEPS_BACK if self.series is None else STEPS_BACK_BY_SERIES
        steps = [*([LOGGED.say()] if self.floor is not None else []), back.say(count=self.window)]
        rows.append((self.target, "target", 0.0, join("; ", steps), 1))
        rows += [(c.name, c.kind, c.missing, c.done, len(c.inputs)) for c in self.columns]
        return [dict(zip(("column", "kind", "missing", "done", "inputs"), row, strict=True)) for row in rows]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        names = ("target", "time", "series", "window", "horizon")
        return {name: getattr(self, name) for name in names} | {
            "spacing": self.spacing.to_dict(),
            "scales": dict(self.scales),
            "columns": [column.to_dict() for column in self.columns],
            "cycles": self.cycles.to_dict(),
            "weight": None if self.weight is None else self.weight.tolist(),
            "bias": None if self.bias is None else self.bias.tolist(),
            "floor": self.floor,
            "rivals": {name: [part.tolist() for part in line] for name, line in self.rivals.items()},
            "errors": None if self.errors is None else self.errors.tolist(),
            "formats": dict(self.formats),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SeriesPreparation:
        """The inverse of `to_dict`."""
        arrays: dict[str, Any] = {
            name: None if data.get(name) is None else np.array(fitted(kind, data[name], name), dtype=float)
            for name, kind in {"weight": ROWS, "bias": tuple[float, ...], "errors": ROWS}.items()
        }
        lines = fitted(dict[str, tuple[ROWS, tuple[float, ...]]], data.get("rivals", {}), "rivals")
        arrays["rivals"] = {name: (np.array(weight), np.array(bias)) for name, (weight, bias) in lines.items()}
        made = cls(**parts(cls, {**data, **arrays}))
        made._agree()
        return made

    def _agree(self) -> None:
        """Refuse parts that don't belong together."""
        if not isinstance(self.cycles, Moment):
            raise InputError(f"the calendar's cycles can't be a {type(self.cycles).__name__}")
        features = sum(len(column.inputs) for column in (*self.columns, self.cycles))
        own = [] if self.weight is None and self.bias is None else [(self.weight, self.bias)]
        lines: list[tuple[Any, Any]] = [*own, *self.rivals.values()]
        for line in lines:
            shapes = [np.shape(part) for part in line]
            if shapes != [(self.window + features, self.horizon), (self.horizon,)]:
                raise InputError(f"a linear forecast of {self.window} steps has arrays of shapes {shapes}")
        if self.errors is not None and self.errors.shape[1:] != (self.horizon,):
            raise InputError(f"errors of {self.horizon} steps ahead have shape {self.errors.shape}")
        if self.floor is not None and not 0 < self.floor < np.inf:
            raise InputError(f"floor must be a finite number above 0, got {self.floor}")
        if min(self.window, self.horizon) < 1 or not all(0 < scale < np.inf for scale in self.scales.values()):
            raise InputError("window, horizon and the series' scales must be above 0")
        if self.series is None and not self.scales:
            raise InputError("scales must tell that of the series")


def _narrow(column: Column) -> Column:
    """A column, unless it has so many levels that vectors would have to be learned for them."""
    if not column.rows_to_learn:
        return column
    return LeftOut(column.name, column.missing, "category", f"{column.rows_to_learn} levels are too many for windows")


def seen(values: np.ndarray, floor: float | None) -> np.ndarray:
    """Values as they are learned: themselves, or their logarithms."""
    return values if floor is None else np.log(np.maximum(values, floor))


def _scales(windows: Windows, past: np.ndarray) -> dict[str, float]:
    """Root mean square of a window's values less its last, series by series."""
    series, names = windows.series, windows.grid.names
    scales = {}
    for code in np.unique(series):
        values = past[series == code]
        scales[names[code]] = float(_spread((values - values[:, -1:]).reshape(1, -1), values.reshape(1, -1))[0])
    return scales


def _spread(apart: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Root mean square of each row; of a row that doesn't vary, a share of its level."""
    spread = np.sqrt(np.mean(apart**2, axis=1))
    level = FLAT * np.abs(values).mean(axis=1)
    flat = spread <= 1e-12 * np.abs(values).max(axis=1)
    return np.where(flat, np.where(level > 0, level, 1.0), spread)


def _cycles(name: str, spacing: Spacing, places: np.ndarray) -> Moment:
    """Cycles of the calendar that training saw at least twice, and that are at least two steps long."""
    if spacing.unit == "number":
        return Moment(name)
    learned = Moment.learn(_moments(name, spacing, np.unique(places)), trend=False)
    span = float(np.ptp(spacing.moments(places)))
    slow = [part for part in CYCLES if 2 * spacing.length <= LENGTHS[part] <= span / 2]
    parts = tuple(part for part in learned.parts if part in slow)
    scale = (1.0,) * len(parts)
    return dataclasses.replace(learned, parts=parts, center=(0.0,) * len(parts), scale=scale, timed="hour" in parts)


def _moments(name: str, spacing: Spacing, places: np.ndarray) -> Any:
    import polars as pl

    return pl.Series(name, spacing.shown(places)).cast(pl.Datetime("us"))
