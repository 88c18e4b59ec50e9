"""Time series: a table with a column of times, and how its target goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from backlit.data.files.zones import at_home
from backlit.data.preparation import Preparation
from backlit.data.series import Grid, SeriesPreparation, Windows
from backlit.data.series.windows import split_in_time
from backlit.data.table.target import as_names
from backlit.errors import InputError
from backlit.languages import Template, join
from backlit.nn.layer import Layer, Shape
from backlit.nn.spec.sequences import for_windows
from backlit.settings import count, option, same
from backlit.tasks.combined import COMBINED, combine
from backlit.tasks.judge.forecast import judge_windows
from backlit.tasks.options import DATA, Options
from backlit.tasks.plan import Ends, Usual, is_slow
from backlit.tasks.rows import Setting, Unseen
from backlit.tasks.split import parts_of, shares_of
from backlit.tasks.table import TableTask, Tabular, read_table
from backlit.tasks.task import Material, Parts, Progress
from backlit.train.ensemble import Folds
from backlit.train.intervals import KEPT, Intervals
from backlit.train.judgement import Judgement
from backlit.train.result import Result

NETWORK = "mlp:64"  # did best, with ridge regression to start from, on series other than those of the documentation
LONGEST = 192  # steps of a window that nobody chose
LITTLE = 0.01  # of a correction that is kept, so that its unit stays a number
USUAL = 24  # steps of a window, where no season or horizon needs more
WHOLE = "a whole number of at least 1"


OF_TEST = Template("test: {note}", "테스트(test): {note}")
BETWEEN = Template(
    "{count} windows reach from one part into the next and are left out", "두 부분에 걸치는 구간 {count}개는 뺐습니다."
)
LOGARITHMS = Template(
    "{target}: logarithms are learned, since errors are smaller so; they count relative to the level",
    "{target}: 오차가 더 작아지므로 로그를 학습합니다. 오차는 수준에 대한 비율로 셉니다.",
)
SHARE = Template(
    "the network's correction of simple forecasts counts {share:.0%}: so much is borne out by validation windows",
    "단순 예측에 대한 신경망의 보정은 {share:.0%}만 반영합니다. 검증 구간에서 그만큼 확인되었습니다.",
)
SERIES = Template("{count} series", "시계열 {count}개")
EACH_DAY = Template("{count} steps, one each day", "하루 간격으로 {count}단계")
EACH_STEP = Template("{count} steps, one each {every}", "{every} 간격으로 {count}단계")
CHOSEN = Template("window {window} (chosen)", "되돌아보는 길이(window)는 {window}(자동)")
SEASON = Template("a season is {steps} steps (a {cycle})", "한 주기(season)는 {steps}단계")
NO_SEASON = Template("no season is known", "알려진 주기(season) 없음")


@dataclass(eq=False)
class Series(Material):
    """Windows of time series, and how the file's text became values."""

    formats: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class SeriesTask(Tabular):
    """Time series, whose next values are predicted from their past.

    Parameters
    ----------
    target, test, decimal :
        As for tables; one column is predicted, and other columns' past is looked at.
    time : str
        The column of times.
    horizon : int, optional
        Predict the target's next so many values from its past: the table is a time series, with `time`.
    window : int, optional
        Steps of the past that are looked at; by default two seasons, two horizons, or an eighth of a series up to
        24, whichever is longest.
    series : str, optional
        Which of several series a row belongs to (a shop, a sensor). One network learns them all.
    columns : dict of column to kind, optional
        As for tables.
    task : "regression", optional
        Values that go on are numbers.
    """

    kind = "time series"
    hint = "give a horizon, too, the steps to predict"
    reasons = MappingProxyType(
        {"group": "time series are split in time, not by a group; a column named by series tells series apart"}
    )

    horizon: int | None = count(
        None,
        words=WHOLE,
        panel=DATA,
        help="Predict the target's next so many values: DATA is a time series, its times in --time.",
    )
    window: int | None = count(
        None,
        words=WHOLE,
        panel=DATA,
        help="Steps of a series' past to predict from, by default two seasons or horizons; for a text the tokens "
        "through which gradients go back, 64.",
    )
    series: str | None = option(None, panel=DATA, help="Column that tells several time series apart")
    columns: Mapping[str, str] | None = same(TableTask, "columns")
    task: str | None = same(TableTask, "task")

    def read(self, data: Any, progress: Progress | None = None) -> Series:
        """All windows of a file's, or anyone's data frame's, time series."""
        if self.task not in (None, "regression"):
            raise InputError(f"a time series' values are predicted as numbers; leave out the task {self.task}")
        names = as_names(self.target)
        if len(names) != 1:
            raise InputError(
                f"a series has one target, got {', '.join(names)}; other columns' past is looked at anyway"
            )
        if self.time is None or self.horizon is None:
            raise InputError("horizon needs the column of times: time=COLUMN (--time COLUMN)")
        target, time = names[0], self.time
        roles = [target, time, *([self.series] if self.series else [])]
        if len(set(roles)) < len(roles):
            raise InputError(f"target, time and series must be different columns, got {', '.join(roles)}")
        name, frame, formats, notes = read_table(data, self.reading, progress)
        grid = Grid.of(at_home(frame, time, formats), target, time, self.series)
        length = self.window if self.window is not None else _window(grid, self.horizon)
        windows = windows_in(grid, length, self.horizon, "the table")
        if np.ptp(windows.future) == 0:
            raise InputError(f"target {target!r} is {windows.future[0, 0]:g} at every step: there is nothing to learn")
        test = None
        if self.test is not None:
            _, frame, of_file, reading = read_table(self.test, self.reading, None, formats)
            of_test = Grid.of(at_home(frame, time, of_file), target, time, self.series, grid.spacing)
            test_windows = windows_in(of_test, length, self.horizon, "the test table")
            notes += [*reading, *(OF_TEST.say(note=note) for note in of_test.notes)]
            test = (test_windows, test_windows.future)
        understood = _understood(grid, length, chosen=self.window is None)
        return Series(
            name=name,
            raw=windows,
            y=windows.future,
            task="regression",
            notes=[*notes, understood, *grid.notes],
            test=test,
            formats=formats,
        )

    def split(self, material: Any, fractions: Sequence[float], seed: int) -> tuple[Parts, list[str]]:
        """Parts that follow each other in time; windows that reach from one into the next are left out."""
        rows, between = split_in_time(material.raw, shares_of(material, fractions))
        notes: list[str] = [BETWEEN.say(count=between)] if between else []
        train, validation, *rest = rows
        return parts_of(material, train, validation, rest[0] if rest else np.arange(0), notes), notes

    def fold(self, material: Material, parts: Parts, members: int, options: Options) -> tuple[Parts, Folds | None]:
        """All members stop by the same windows, those that follow the training's."""
        return parts, None

    def prepare(self, material: Series, rows: np.ndarray) -> Preparation:
        """Windows scaled by series, and a linear forecast from which the network goes on."""
        windows: Windows = material.raw[rows]
        (target,) = as_names(self.target)
        told = (target, str(self.time), self.series, self.columns, material.formats)
        plain = SeriesPreparation.learn(windows, *told)
        found, error = _linear(plain, windows, plain)
        if min(windows.past.min(), windows.future.min()) > 0:
            logged, relative_error = _linear(SeriesPreparation.learn(windows, *told, logged=True), windows, plain)
            found = logged if relative_error < error else found
        return found

    def warnings(self, material: Any, parts: Parts, preparation: Preparation) -> list[str]:
        """Whether logarithms are learned."""
        is_logged = isinstance(preparation, SeriesPreparation) and preparation.floor is not None
        return [LOGARITHMS.say(target=repr(preparation.target_names[0]))] if is_logged else []

    def judge(self, run: Result, setting: Setting) -> Result:
        """The run, its network's correction of the linear forecast as large as validation windows bear out."""
        windows, y = setting.material.raw[setting.parts.validation], setting.material.y[setting.parts.validation]
        share = _share(run.relative(windows, y), run.targets.decode(run.outputs(windows)), self.horizon or 1)
        setting.notes.append(SHARE.say(share=share))
        return super().judge(dataclasses.replace(run, targets=run.targets.shrunk(max(share, LITTLE))), setting)

    def intervals(self, run: Result, setting: Setting, unseen: Unseen) -> Intervals:
        """From validation windows, and from training windows that the linear forecast hadn't seen: the wider ones.

        Validation windows alone are few, lie beside each other and in one time.
        """
        errors = unseen.y - run.targets.decode(unseen.outputs)
        tried = run.preparation.errors
        return Intervals.wider(errors, np.concatenate([errors, tried])) if len(tried) else Intervals.of(errors)

    def usual(self, material: Series, rows: int, shape: Shape) -> Usual:
        """A small network that corrects the linear forecast."""
        return Usual(NETWORK)

    def network(self, spec: str, ends: Ends, preparation: Preparation, options: Options) -> Layer:
        """The network that a spec describes, for windows."""
        return for_windows(spec, ends.outputs, ends.activation, ends.dropout)

    def is_small(self, material: Series, network: Any) -> bool:
        """Whether several such networks may be trained in the time of one that is large."""
        spec = network or NETWORK
        return not isinstance(spec, str) or not is_slow(spec)

    def scored(
        self, run: Result, setting: Setting, unseen: Unseen, guess: Any, intervals: Intervals | None
    ) -> Judgement:
        """Errors beside those of forecasts that need no network."""
        return judge_windows(run, unseen.raw, intervals)


def _linear(
    preparation: SeriesPreparation, windows: Windows, unit: SeriesPreparation
) -> tuple[SeriesPreparation, float]:
    """The preparation with its linear forecasts, and their mean error, in the scales of another preparation."""
    inputs = preparation.linear_inputs(preparation.apply(windows))
    targets = preparation.relative(windows, windows.future)
    found = combine(inputs, targets, windows.places, windows.window, windows.grid.spacing.season)
    rivals = {name: (line.weight, line.bias) for name, line in found.lines.items() if name != COMBINED}
    line, tried = found.lines[COMBINED], windows[found.rows]
    forecast = preparation.absolute(tried, targets[found.rows] + found.errors)
    error = float(np.abs((forecast - tried.future) / unit.scale(tried)).mean()) if len(tried) else 0.0
    few = found.errors[:: max(1, len(found.errors) // KEPT)]
    return dataclasses.replace(preparation, weight=line.weight, bias=line.bias, rivals=rivals, errors=few), error


def _share(truth: np.ndarray, outputs: np.ndarray, horizon: int) -> float:
    """What is kept of a correction, by how surely it makes errors smaller: 1 - 1/t², none if t is below 1.

    t is the mean gain by its standard error; windows beside each other share all targets but one, so that as many
    count as are a horizon apart (after W. James and C. Stein, "Estimation with quadratic loss", 1961).
    """
    gains = (np.abs(truth) - np.abs(truth - outputs)).mean(axis=1)
    spread = gains.std(ddof=1) / np.sqrt(max(len(gains) / horizon, 1.0)) if len(gains) > 1 else np.inf
    if gains.mean() <= 0 or not np.isfinite(spread):
        return 0.0
    return float(max(0.0, 1 - (spread / gains.mean()) ** 2))


def windows_of(run: Result, table: Any) -> Windows:
    """All windows of a table, or of a file, that a run on series can be judged on.

    Raises
    ------
    InputError
        If there is none.
    """
    preparation = run.preparation
    return windows_in(preparation.grid(table), preparation.window, preparation.horizon, "the table")


def forecast(run: Result, table: Any, level: float = 0.9) -> Any:
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
    keys = [grid.spacing.column(preparation.time, places)]
    if preparation.series is not None:
        names = np.repeat(np.array(grid.names, dtype=object)[windows.series], steps)
        keys.insert(0, pl.Series(preparation.series, names.tolist(), dtype=pl.String))
    numbers = [
        pl.Series(name, np.where(np.isfinite(values), values, np.nan).ravel()).fill_nan(None)
        for name, values in columns.items()
    ]
    return pl.DataFrame([*keys, *numbers])


def windows_in(grid: Grid, window: int, horizon: int, what: str) -> Windows:
    """All windows of series; InputError if there is none."""
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
    """Two seasons, two horizons, or an eighth of a series up to 24 steps, whichever is longest."""
    steps = len(grid.values) // len(grid.names)
    return max(4, 2 * horizon, min(2 * (grid.spacing.season or 0), LONGEST), min(steps // 8, USUAL))


def _understood(grid: Grid, window: int, chosen: bool) -> str:
    """What was understood of the times, in a sentence."""
    season = grid.spacing.season
    every, many = grid.spacing.every, [SERIES.say(count=len(grid.names))] if len(grid.names) > 1 else []
    steps = (EACH_DAY if every == "day" else EACH_STEP).say(count=len(grid.values), every=every)
    again = SEASON.say(steps=season, cycle=grid.spacing.cycle) if season else NO_SEASON.say()
    looked = [CHOSEN.say(window=window)] if chosen else []
    return join("; ", [join(", ", [*many, steps]), join(", ", [*looked, again])])
