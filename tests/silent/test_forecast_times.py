"""Times of forecasts: as pandas' calendars go on, in the zone and in the form of the input."""

from datetime import date

import numpy as np
import pandas
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backlit.data.files import read_source
from backlit.data.files.writing import as_written
from backlit.data.files.zones import at_home
from backlit.data.series import Grid, SeriesPreparation, Spacing, Windows

KNOWN, AHEAD = 70, 12
CALENDAR = ("D", "2D", "3D", "B", "W-SUN", "W-WED", "2W", "MS", "ME", "2MS", "BME", "BMS", "WOM-3FRI", "LWOM-MON", "QS",
            "QE", "QS-FEB", "QE-NOV", "BQE", "BQS", "YS", "YE", "YE-JUN", "YS-APR", "BYE", "2YS", "6MS")  # fmt: skip
CLOCK = ("h", "2h", "6h", "12h", "30min", "15min", "5min", "s", "10s")
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Seoul",
    "Asia/Kolkata",
    "Australia/Sydney",
    "America/St_Johns",
    "UTC",
)
dates = st.dates(date(1930, 1, 1), date(2090, 1, 1))


def continued(column):
    """The twelve times that follow on those of a column."""
    spacing, places = Spacing.learn(column)
    assert Spacing.from_dict(spacing.to_dict()) == spacing
    assert (spacing.places(column) == places).all()
    assert np.diff(places).tolist() == [1] * (len(column) - 1)
    return spacing.column("t", places[-1] + np.arange(1, AHEAD + 1))


@given(start=dates, frequency=st.sampled_from(CALENDAR + CLOCK))
@settings(max_examples=80, deadline=None)
def test_pandas_calendars_go_on(start, frequency):
    times = pandas.date_range(start, periods=KNOWN + AHEAD, freq=frequency)
    moments = times.to_pydatetime().tolist()
    assert continued(pl.Series("t", moments[:KNOWN])).to_list() == moments[KNOWN:]
    if frequency in CALENDAR:
        days = times.date.tolist()
        assert continued(pl.Series("t", days[:KNOWN])).to_list() == days[KNOWN:]


@given(
    start=st.dates(date(2008, 1, 1), date(2025, 1, 1)),
    frequency=st.sampled_from(("D", "B", "W-SUN", "MS", "ME", "QE", "h", "6h", "15min")),
    zone=st.sampled_from(ZONES),
)
@settings(max_examples=60, deadline=None)
def test_a_zones_days_and_hours_go_on(start, frequency, zone):
    times = pandas.date_range(start, periods=KNOWN + AHEAD, freq=frequency, tz=zone)
    utc = pl.Series("t", times.tz_convert("UTC").tz_localize(None).to_pydatetime().tolist()).cast(pl.Datetime("us"))
    column = utc.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    assert continued(column[:KNOWN]).equals(column[KNOWN:])


@given(
    first=st.dates(date(2010, 1, 1), date(2024, 1, 1)),
    hours=st.tuples(st.integers(0, 11), st.integers(13, 24)),
    step=st.sampled_from((15, 30, 60)),
)
@settings(max_examples=25, deadline=None)
def test_business_hours_go_on(first, hours, step):
    opens, closes = (f"{hour % 24:02}:00" for hour in hours)
    days = pandas.bdate_range(first, periods=20)
    times = [day + pandas.Timedelta(minutes=m) for day in days for m in range(hours[0] * 60, hours[1] * 60, step)]
    if step == 60 and closes != "00:00":
        hourly = pandas.offsets.CustomBusinessHour(start=opens, end=closes)
        assert times == pandas.date_range(times[0], periods=len(times), freq=hourly).tolist()
    moments = [time.to_pydatetime() for time in times]
    assert continued(pl.Series("t", moments[:-AHEAD])).to_list() == moments[-AHEAD:]


def test_seven_days_in_a_row_are_no_business_hours():
    times = pandas.date_range("2024-01-04 09:00", "2024-01-07 16:00", freq="h").to_pydatetime().tolist()
    assert Spacing.learn(pl.Series("t", times))[0].every == "hour"


STEPS = {"D": "D", "MS": "MS", "QS": "QS", "W": "W-MON", "h": "h"}
FORMS = {
    "1980Q1": ("QS", lambda t: f"{t.year}Q{t.quarter}"),
    "1980-Q1": ("QS", lambda t: f"{t.year}-Q{t.quarter}"),
    "1980 Q1": ("QS", lambda t: f"{t.year} Q{t.quarter}"),
    "1980q1": ("QS", lambda t: f"{t.year}q{t.quarter}"),
    "1980:1": ("QS", lambda t: f"{t.year}:{t.quarter}"),
    "Q1 1980": ("QS", lambda t: f"Q{t.quarter} {t.year}"),
    "Q1/1980": ("QS", lambda t: f"Q{t.quarter}/{t.year}"),
    "1980년 1분기": ("QS", lambda t: f"{t.year}년 {t.quarter}분기"),
    "1980 1/4분기": ("QS", lambda t: f"{t.year} {t.quarter}/4분기"),
    "1980H1": ("6MS", lambda t: f"{t.year}H{(t.month + 5) // 6}"),
    "1980S1": ("6MS", lambda t: f"{t.year}S{(t.month + 5) // 6}"),
    "1980M01": ("MS", lambda t: f"{t.year}M{t.month:02}"),
    "1980m1": ("MS", lambda t: f"{t.year}m{t.month}"),
    "1980-01": ("MS", lambda t: f"{t:%Y-%m}"),
    "1980.01": ("MS", lambda t: f"{t:%Y.%m}"),
    "1980.25": ("QS", lambda t: f"{t.year + (t.quarter - 1) / 4}"),
    "1980.4": ("QS", lambda t: f"{t.year}.{t.quarter}"),
    "1980:01": ("MS", lambda t: f"{t:%Y:%m}"),
    "01/1980": ("MS", lambda t: f"{t:%m/%Y}"),
    "198001": ("MS", lambda t: f"{t:%Y%m}"),
    "Jan 1980": ("MS", lambda t: f"{t:%b %Y}"),
    "1980년 1월": ("MS", lambda t: f"{t.year}년 {t.month}월"),
    "1980년 01월": ("MS", lambda t: f"{t:%Y년 %m월}"),
    "2024-W05": ("W", lambda t: "{}-W{:02}".format(*t.isocalendar()[:2])),
    "2024W05": ("W", lambda t: "{}W{:02}".format(*t.isocalendar()[:2])),
    "2024-W05-1": ("W", lambda t: "{}-W{:02}-{}".format(*t.isocalendar())),
    "20240131": ("D", lambda t: f"{t:%Y%m%d}"),
    "2024년 2월 4일": ("D", lambda t: f"{t.year}년 {t.month}월 {t.day}일"),
    "2024. 2. 4.": ("D", lambda t: f"{t.year}. {t.month}. {t.day}."),
    "2024. 02. 04.": ("D", lambda t: f"{t:%Y. %m. %d.}"),
    "2024.2.4": ("D", lambda t: f"{t.year}.{t.month}.{t.day}"),
    "31.01.2024": ("D", lambda t: f"{t:%d.%m.%Y}"),
    "1/31/2024": ("D", lambda t: f"{t.month}/{t.day}/{t.year}"),
    "31-Jan-24": ("D", lambda t: f"{t:%d-%b-%y}"),
    "2024013107": ("h", lambda t: f"{t:%Y%m%d%H}"),
    "202401310730": ("h", lambda t: f"{t:%Y%m%d%H%M}"),
    "20240131 07:00": ("h", lambda t: f"{t:%Y%m%d %H:%M}"),
    "2024-01-31T07:00:00Z": ("h", lambda t: f"{t:%Y-%m-%dT%H:%M:%SZ}"),
    "2024-01-31 07:00:00.000": ("h", lambda t: f"{t:%Y-%m-%d %H:%M:%S}.000"),
    "1/31/2024 7:00 AM": ("h", lambda t: f"{t.month}/{t.day}/{t.year} {(t.hour + 11) % 12 + 1}:{t:%M %p}"),
}


def written_on(tmp_path, cells, ahead=AHEAD):
    """A file of these times, and the cells that a forecast writes after them."""
    path = tmp_path / "t.csv"
    path.write_text("t,y\n" + "".join(f'"{cell}",{i}\n' for i, cell in enumerate(cells)), encoding="utf-8")
    source = read_source(path, keep_text=True)
    grid = Grid.of(at_home(source.frame, "t", source.formats), "y", "t")
    assert len(grid.values) == len(cells)
    times = pl.DataFrame([grid.spacing.column("t", grid.places[-1] + np.arange(1, ahead + 1))])
    return [str(cell) for cell in as_written(times, source.formats, source.text)["t"].to_list()]


@pytest.mark.parametrize("form", FORMS)
def test_forecasts_are_written_as_the_input_is(form, tmp_path):
    step, write = FORMS[form]
    cells = [write(time) for time in pandas.date_range("1999-11-01", periods=KNOWN + AHEAD, freq=STEPS.get(step, step))]
    found = written_on(tmp_path, cells[:KNOWN])
    assert list(map(float, found)) == list(map(float, cells[KNOWN:])) if "1980." in form else found == cells[KNOWN:]


def test_decimal_years_of_months_have_a_season():
    years = np.round(1949 + np.arange(100) / 12, 3)
    spacing, places = Spacing.learn(pl.Series("t", years))
    assert spacing.season == 12
    assert spacing.column("t", places[-1:] + 1).to_list() == pytest.approx([1949 + 100 / 12])


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Seoul", "Asia/Kolkata", "Etc/GMT+3"])
@pytest.mark.parametrize(("start", "step"), [("2024-10-25", "h"), ("2024-03-01", "D"), ("2024-03-08", "30min")])
def test_offsets_stay(zone, start, step, tmp_path):
    times = pandas.date_range(start, periods=KNOWN + AHEAD, freq=step, tz=zone)
    if zone == "America/New_York":  # change on other days
        times = pandas.date_range(
            pandas.Timestamp(start) + pandas.Timedelta(days=7), periods=len(times), freq=step, tz=zone
        )
    cells = [time.isoformat() for time in times]
    changed = len({cell[-6:] for cell in cells[:KNOWN]}) == len({cell[-6:] for cell in cells})
    if changed:  # else the table doesn't know of it
        assert written_on(tmp_path, cells[:KNOWN]) == cells[KNOWN:]
    assert written_on(tmp_path, [cell.replace("T", " ") for cell in cells])[0] == str(times[-1] + times.freq)


@pytest.mark.parametrize(("zone", "start"), [("Europe/Berlin", "2024-10-26"), ("America/New_York", "2024-11-02")])
@pytest.mark.parametrize("step", ["h", "15min"])
def test_the_hour_that_comes_twice_in_autumn(zone, start, step, tmp_path):
    count = 60 if step == "h" else 240
    times = pandas.date_range(start, periods=count, freq=step, tz=zone)
    cells = [f"{time:%Y-%m-%d %H:%M}" for time in times]
    path = tmp_path / "t.csv"
    path.write_text("t,y\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells)))
    for frame in (read_source(path).frame, read_source(path).frame.reverse()):
        grid = Grid.of(frame, "y", "t")
        assert grid.values.tolist() == list(range(count))
        assert any("comes twice" in note and zone in note for note in grid.notes)
    assert written_on(tmp_path, cells, 2) == [f"{times[-1] + k * times.freq:%Y-%m-%d %H:%M}" for k in (1, 2)]


def test_the_day_of_the_week_is_no_input_of_months():
    for step, expected in (("ME", ["month"]), ("QS", ["month"]), ("W-WED", ["month"]), ("D", ["month", "weekday"])):
        times = pandas.date_range("2000-01-01", periods=900 if step == "D" else 200, freq=step).date.tolist()
        grid = Grid.of(pl.DataFrame({"t": times, "y": np.arange(len(times)) % 7.0}), "y", "t")
        preparation = SeriesPreparation.learn(Windows.all(grid, 6, 1), "y", "t")
        assert list(preparation.cycles.parts) == expected
