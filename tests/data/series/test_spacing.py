"""Times and their places: against pandas' calendars, and what is refused."""

import numpy as np
import pandas
import polars as pl
import pytest

from backlit.data.series import Spacing
from backlit.errors import InputError


@pytest.mark.parametrize(
    ("frequency", "every", "season"),
    [
        ("D", "day", 7),
        ("2D", "2 days", None),
        ("W", "week", 52),
        ("B", "working day", 5),
        ("MS", "month", 12),
        ("ME", "month", 12),
        ("QS", "quarter", 4),
        ("QE", "quarter", 4),
        ("YS", "year", None),
        ("h", "hour", 24),
        ("3h", "3 hours", 8),
        ("15min", "15 minutes", 96),
        ("s", "second", 60),
    ],
)
def test_calendars_of_pandas(frequency, every, season, rng):
    times = pandas.date_range("1999-12-27", periods=80, freq=frequency)
    column = pl.Series("t", list(times.to_pydatetime())[:60])
    shuffled = rng.permutation(60)[:50]
    spacing, places = Spacing.learn(column[shuffled.tolist()])
    assert (spacing.every, spacing.season) == (every, season)
    assert (places - places.min()).tolist() == (shuffled - shuffled.min()).tolist()
    start = spacing.places(column[:1])[0]
    longer = spacing.column("t", start + np.arange(80))  # than what was learned from
    assert longer.to_list() == list(times.to_pydatetime())
    assert Spacing.from_dict(spacing.to_dict()) == spacing


@pytest.mark.parametrize("written", ["date", "text", "months", "numbers", "years"])
def test_times_come_back_as_they_were_written(written):
    days = pandas.date_range("2023-11-30", periods=6, freq="D").date
    column = {
        "date": pl.Series("t", days.tolist()),
        "text": pl.Series("t", [str(day) for day in days]),
        "months": pl.Series("t", ["2023-11", "2023-12", "2024-01", "2024-02", "2024-03", "2024-04"]),
        "numbers": pl.Series("t", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        "years": pl.Series("t", [1990, 1991, 1992, 1993, 1994, 1995]),
    }[written]
    spacing, places = Spacing.learn(column[:5])
    found = spacing.column("t", places[-1:] + 1)[0]
    expected = column.str.to_date()[5] if written == "text" else column[5]
    assert found == (pytest.approx(expected) if written == "numbers" else expected)


def test_no_hour_comes_twice_when_summer_time_ends():
    times = pandas.date_range("2024-10-26", periods=48, freq="h", tz="Europe/Berlin")
    column = pl.Series("t", times.tz_convert("UTC").tz_localize(None).to_pydatetime().tolist())
    column = column.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    spacing, places = Spacing.learn(column)
    assert np.diff(places).tolist() == [1] * 47
    assert spacing.column("t", places).equals(column.cast(pl.Datetime("us", "Europe/Berlin")))


def test_times_that_tremble_are_placed(rng):
    exact = 600 * np.arange(200) + 17
    trembling = exact + rng.integers(-60, 60, 200)
    column = pl.Series("t", (trembling * 1_000_000).tolist()).cast(pl.Datetime("us"))
    spacing, places = Spacing.learn(column)
    assert spacing.every == "10 minutes"
    assert np.diff(places).tolist() == [1] * 199


def test_missing_weekdays_need_two_weeks_to_be_believed():
    days = pandas.bdate_range("2024-01-01", periods=8)
    spacing, places = Spacing.learn(pl.Series("t", days.to_pydatetime().tolist()))
    assert spacing.every == "day"
    assert np.diff(places).tolist() == [1, 1, 1, 1, 3, 1, 1]


def test_neighbours_are_of_one_series():
    times = pl.Series("t", [1, 2, 3, 10, 20, 30, 40, 50])
    with pytest.raises(InputError, match="unevenly spaced"):
        Spacing.learn(times, np.array([0, 0, 0, 1, 1, 1, 1, 1]))
    spacing, _ = Spacing.learn(pl.Series("t", [0, 10, 20, 1, 11, 21]), np.array([0, 0, 0, 1, 1, 1]))  # not 1 and 9
    assert spacing.step == 10


def test_uneven_times_are_named():
    times = pl.Series("when", ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]).str.to_datetime()
    times = times.append(pl.Series("when", ["2024-01-04 11:00:00"]).str.to_datetime())
    told = r"'when' is unevenly spaced: .* one day apart, but 1 of 5 .* row 5 \(2024-01-04 11"
    with pytest.raises(InputError, match=told):
        Spacing.learn(times)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["2024-01-01", None, "2024-01-03"], "row 2 is missing"),
        ([1.0, float("nan"), 3.0], "row 2 is missing"),
        (["2024-01-01", "soon", "2024-01-03"], "row 2: expected a date or time, got 'soon'"),
        ([[1], [2]], "expected dates, times or numbers"),
        (["2024-01-01", "2024-01-01"], "no series has two different times"),
    ],
)
def test_times_that_are_none(values, told):
    with pytest.raises(InputError, match=told):
        Spacing.learn(pl.Series("t", values))


def test_another_kind_of_times_is_refused():
    spacing, _ = Spacing.learn(pl.Series("t", [1, 2, 3]))
    with pytest.raises(InputError, match="training had numbers"):
        spacing.places(pl.Series("t", ["2024-01-01"]))
