"""Columns of text become values: numbers, dates, truth values, as the whole file says; and as a saved format says."""

from datetime import UTC, date, datetime, time

import numpy as np
import pandas
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlit.data import read_source
from backlit.data.files import formats
from backlit.errors import InputError


@pytest.fixture
def column(tmp_path):
    """How a column of these cells is read: values, type, format and notes."""

    def read(cells, separator=";", others=(), **options):
        path = tmp_path / "t.csv"
        others = [["k"] * len(cells), *others]
        rows = [["x", *(f"o{i}" for i in range(len(others)))], *zip(cells, *others, strict=True)]
        text = "\n".join(separator.join(f'"{cell}"' for cell in row) for row in rows)
        path.write_text(text + "\n", encoding="utf-8")
        source = read_source(path, **options)
        assert read_source(path, formats=source.formats).frame.equals(source.frame)
        return source.frame["x"].to_list(), source.frame["x"].dtype, source.formats["x"], " ".join(source.notes)

    return read


@pytest.mark.parametrize(
    ("cells", "values", "format_"),
    [
        (["1", "-2", "+3"], [1, -2, 3], "number"),
        (["1", "2.5"], [1.0, 2.5], "number"),
        ([".5", "5.", "1e3", "-1.5E-2"], [0.5, 5.0, 1000.0, -0.015], "number"),
        (["1", "", "3"], [1, None, 3], "number"),
        (["1", " 2 ", "\u00a03"], [1, 2, 3], "number"),
        (["1", "9223372036854775808"], [1, 9223372036854775808], "number"),
        (["9223372036854775807", "NA"], [9223372036854775807, None], "number"),
        (["1.5", "inf", "-Infinity"], [1.5, float("inf"), float("-inf")], "number"),
        (["1,5", "2,25"], [1.5, 2.25], "number,decimal=,"),
        (["0,125", "0,250"], [0.125, 0.25], "number,decimal=,"),
        (["1.234,5", "12"], [1234.5, 12.0], "number,decimal=,,thousands=."),
        (["1,234.5", "1,234,567"], [1234.5, 1234567.0], "number,thousands=,"),
        (["1,234,567", "12"], [1234567, 12], "number,thousands=,"),
        (["1.234.567", "12"], [1234567, 12], "number,decimal=,,thousands=."),
        (["12,34,567.5", "1"], [1234567.5, 1.0], "number,thousands=,"),  # India
        (["1 234", "12", "1\u00a0234\u202f567"], [1234, 12, 1234567], "number,thousands= "),
        (["1 234,5", "12"], [1234.5, 12.0], "number,decimal=,,thousands= "),
        (["1'234.5", "1’000’000"], [1234.5, 1e6], "number,thousands='"),
        (["12 %", "3%", "-4.5%"], [12.0, 3.0, -4.5], "percent"),
        (["12 %", "3,5 %"], [12.0, 3.5], "percent,decimal=,"),
        (["$1,234.50", "-$5", "$-6", "7"], [1234.5, -5.0, -6.0, 7.0], "currency $,thousands=,"),
        (["1.234,50 €", "5 €", "€ 7"], [1234.5, 5.0, 7.0], "currency €,decimal=,,thousands=."),
        (["1,200원", "12,345,600원"], [1200, 12345600], "currency 원,thousands=,"),
        (["₩5", "₩10"], [5, 10], "currency ₩"),
        (["£0.99", "£1"], [0.99, 1.0], "currency £"),
        (["\u22125", "3", "2,5"], [-5.0, 3.0, 2.5], "number,decimal=,"),
        (["true", "FALSE", "NA"], [True, False, None], "true/false"),
        (["02139", "10001"], ["02139", "10001"], "text"),
        (["00", "1"], ["00", "1"], "text"),
        (["0", "1"], [0, 1], "number"),
        (["0.5", "0"], [0.5, 0.0], "number"),
        (["1", "2", "x"], ["1", "2", "x"], "text"),
        (["1.5", "12 %"], ["1.5", "12 %"], "text"),
        (["$5", "5 €"], ["$5", "5 €"], "text"),
        (["1.2.3", "1.2.10"], ["1.2.3", "1.2.10"], "text"),
        (["1,2,3", "4"], ["1,2,3", "4"], "text"),
        (["5$5", "1"], ["5$5", "1"], "text"),
        (["1_000", "2"], ["1_000", "2"], "text"),
        (["0x10", "2"], ["0x10", "2"], "text"),
        (["yes", "no"], ["yes", "no"], "text"),
        (["127.0.0.1", "10.0.0.1"], ["127.0.0.1", "10.0.0.1"], "text"),
        (["", "NA"], [None, None], "text"),
        ([" a ", "b"], ["a", "b"], "text"),
        (["१", "२"], ["१", "२"], "text"),
    ],
)
def test_numbers_and_truth_values(column, cells, values, format_):
    found, dtype, how, _ = column([*cells, "-"])
    assert found == [*values, None]
    assert how == format_
    wide = pl.UInt64 if any(isinstance(value, int) and value >= 2**63 for value in values) else pl.Int64
    kinds = {int: wide, float: pl.Float64, bool: pl.Boolean, str: pl.String}
    assert dtype == kinds.get(next((type(value) for value in values if value is not None), str))


@pytest.mark.parametrize(
    ("cells", "values", "format_", "told"),
    [
        (["12.30 USD", "5 USD"], [12.3, 5.0], "unit USD", "'x' is an amount in USD: read as numbers"),
        (["USD 1,234.5", "USD 7"], [1234.5, 7.0], "unit USD,thousands=,", "amount in USD"),
        (["12 kg", "3.5kg"], [12.0, 3.5], "unit kg", "'x' is in kg: read as numbers"),
        (["20 °C", "-3 °C"], [20, -3], "unit °C", "'x' is in °C"),
        (["50 km/h", "7,5 km/h"], [50.0, 7.5], "unit km/h,decimal=,", "'x' is in km/h"),
        (["(12.30)", "5", "7"], [-12.3, 5.0, 7.0], "number,negative=()", "'x': amounts in parentheses are negative"),
        (["$(1,200)", "$5"], ["$(1,200)", "$5"], "text", ""),
        (
            ["($1,200.5)", "$5", "$6"],
            [-1200.5, 5.0, 6.0],
            "currency $,thousands=,,negative=()",
            "parentheses are negative",
        ),
        (["<0.1", "0.5", "2"], [0.1, 0.5, 2.0], "number,limits=<>", "limits such as <0.1 are read as their number"),
        (["<18", ">65"], ["<18", ">65"], "text", ""),
        (["(1)", "(2)"], ["(1)", "(2)"], "text", ""),
        (["10 AM", "11 AM"], ["10 AM", "11 AM"], "text", ""),
        (["007A", "012A"], ["007A", "012A"], "text", ""),
        (["3 m", "4 kg"], ["3 m", "4 kg"], "text", ""),
        (["1st", "2nd"], ["1st", "2nd"], "text", ""),
        (["room 1", "room 2"], ["room 1", "room 2"], "text", ""),
        (["36:10:05", "1:00:00"], [130205.0, 3600.0], "duration h:m:s", "'x' holds durations: read as seconds"),
        (["75:30", "2:15.5"], [4530.0, 135.5], "duration m:s", "read as seconds"),
        (["1 days 02:00:00", "0 days 00:00:01"], [93600.0, 1.0], "duration h:m:s", "read as seconds"),
        (["1h 30m", "45 min"], [5400.0, 2700.0], "duration h m s", "read as seconds"),
        (["PT1H30M", "P1D"], [5400.0, 86400.0], "duration ISO 8601", "read as seconds"),
    ],
)
def test_numbers_with_units_and_durations(column, cells, values, format_, told):
    found, _, how, notes = column([*cells, ""])
    assert found == [*values, None]
    assert how == format_
    assert told in notes


@pytest.mark.parametrize("cells", [["1 days 02:03:04", "2 days 00:00:00.5"], ["PT1H2M3S", "P2DT1S"]])
def test_durations_are_read_as_pandas_reads_them(column, cells):
    assert column(cells)[0] == [pandas.Timedelta(cell).total_seconds() for cell in cells]


@pytest.mark.parametrize(
    ("cells", "values", "format_"),
    [
        (["10:05", "9:30", "23:59"], [time(10, 5), time(9, 30), time(23, 59)], "clock %H:%M"),
        (["10:05:07", "00:00:00"], [time(10, 5, 7), time(0)], "clock %H:%M:%S"),
        (["1:05 PM", "12:00 AM"], [time(13, 5), time(0)], "clock %I:%M %p"),
    ],
)
def test_times_of_day(column, cells, values, format_):
    found, dtype, how, _ = column([*cells, "NA"])
    assert found == [*values, None]
    assert (dtype, how) == (pl.Time, format_)


@pytest.mark.parametrize(
    ("cells", "format_"),
    [
        (["2024-01", "2024-12"], "date %Y-%m"),
        (["2024년 1월", "2024년 12월"], "date %Y년 %m월"),
        (["Jan 2024", "Dec 2024"], "date %b %Y"),
        (["01/2024", "12/2024"], "date %m/%Y"),
    ],
)
def test_months(column, cells, format_):
    found, dtype, how, _ = column(cells)
    assert found == [date(2024, 1, 1), date(2024, 12, 1)]
    assert (dtype, how) == (pl.Date, format_)


def test_times_in_utc(column):
    found, dtype, _, notes = column(["2024-01-31 10:00:00 UTC", "2024-02-01 11:30:00 UTC"])
    assert found == [datetime(2024, 1, 31, 10, tzinfo=UTC), datetime(2024, 2, 1, 11, 30, tzinfo=UTC)]
    assert dtype == pl.Datetime("us", "UTC")
    assert "counted in UTC" in notes


@pytest.mark.parametrize(
    ("cells", "values", "format_"),
    [
        (["2024-01-31", "2024-2-1"], [(2024, 1, 31), (2024, 2, 1)], "date %Y-%m-%d"),
        (["2024/01/31", "2024/02/01"], [(2024, 1, 31), (2024, 2, 1)], "date %Y/%m/%d"),
        (["2024.01.31", "2024.2.1"], [(2024, 1, 31), (2024, 2, 1)], "date %Y.%m.%d"),
        (["2024. 1. 31.", "2024. 12. 1."], [(2024, 1, 31), (2024, 12, 1)], "date %Y. %m. %d."),
        (["2024년 1월 31일", "2024년2월1일"], [(2024, 1, 31), (2024, 2, 1)], "date %Y년 %m월 %d일"),
        (["31.01.2024", "1.2.2024"], [(2024, 1, 31), (2024, 2, 1)], "date %d.%m.%Y"),
        (["31.01.24", "01.02.99"], [(2024, 1, 31), (1999, 2, 1)], "date %d.%m.%y"),
        (["01/02/2024", "31/01/2024"], [(2024, 2, 1), (2024, 1, 31)], "date %d/%m/%Y"),
        (["01/02/2024", "01/31/2024"], [(2024, 1, 2), (2024, 1, 31)], "date %m/%d/%Y"),
        (["1/2/24", "1/31/24"], [(2024, 1, 2), (2024, 1, 31)], "date %m/%d/%y"),
        (["31-Jan-2024", "1-Feb-2024"], [(2024, 1, 31), (2024, 2, 1)], "date %d-%b-%Y"),
        (["January 31, 2024", "March 1, 2024"], [(2024, 1, 31), (2024, 3, 1)], "date %B %d, %Y"),
    ],
)
def test_dates(column, cells, values, format_):
    found, dtype, how, _ = column([*cells, "NA"])
    assert found == [*(date(*value) for value in values), None]
    assert (how, dtype) == (format_, pl.Date)


@pytest.mark.parametrize(
    ("cells", "values", "format_"),
    [
        (["2024-01-31T10:05:00", "2024-02-01T00:00:09"], [(31, 10, 5, 0), (32, 0, 0, 9)], "time %Y-%m-%dT%H:%M:%S"),
        (["2024-01-31 10:05", "2024-02-01 0:00"], [(31, 10, 5, 0), (32, 0, 0, 0)], "time %Y-%m-%d %H:%M"),
        (["31.01.2024 10:05", "01.02.2024 23:59"], [(31, 10, 5, 0), (32, 23, 59, 0)], "time %d.%m.%Y %H:%M"),
        (["1/31/2024 1:05:00 PM", "2/1/2024 12:00:01 AM"], [(31, 13, 5, 0), (32, 0, 0, 1)],
         "time %m/%d/%Y %I:%M:%S %p"),
    ],
)  # fmt: skip
def test_times(column, cells, values, format_):
    found, dtype, how, _ = column(cells)
    expected = [datetime(2024, 1 + day // 32, day - 31 * (day // 32), *rest) for day, *rest in values]  # noqa: DTZ001
    assert found == expected
    assert (how, dtype) == (format_, pl.Datetime("us"))


def test_fractions_of_seconds_and_time_zones(column):
    found, _, how, _ = column(["2024-01-31 10:00:00", "2024-01-31 10:00:00.25"])
    assert [moment.microsecond for moment in found] == [0, 250_000]
    assert how == "time %Y-%m-%d %H:%M:%S%.f"
    found, dtype, _, notes = column(["2024-01-31T10:00:00+09:00", "2024-01-31T10:00:00Z", "2024-01-31T10:00:00-0330"])
    assert [moment.hour * 60 + moment.minute for moment in found] == [60, 600, 810]
    assert dtype == pl.Datetime("us", "UTC")
    assert "'x': times with a time zone, counted in UTC" in notes


@pytest.mark.parametrize("cells", [["2024-02-30", "2024-01-01"], ["24-01-31", "24-02-01"], ["31/31/2024", "1/1/2024"],
                                   ["2024-01-31", "2024-01-31 10:00"], ["25:61", "11:45"]])  # fmt: skip
def test_what_is_no_date(column, cells):
    assert column(cells)[0] == cells


@pytest.mark.parametrize(
    ("cells", "separator", "others", "options", "values", "told"),
    [
        # One comma before three digits: by another column, by the user, else by the separator.
        (["1,234", "2,345"], ",", [["1,5", "2,5"]], {}, [1.234, 2.345], "decimal commas in 'x'"),
        (["1,234", "2,345"], ";", [["1.5", "2.5"]], {}, [1234, 2345], "',' between thousands"),
        (["1,234", "2,345"], ";", [], {"decimal": "."}, [1234, 2345], "',' between thousands"),
        (["1,234", "2,345"], ",", [], {"decimal": ","}, [1.234, 2.345], "decimal commas in 'x'"),
        (["1,234", "2,345"], ";", [], {}, [1.234, 2.345], "doesn't tell whether the mark in its numbers is decimal"),
        (["1,234", "2,345"], ",", [], {}, [1234, 2345], "doesn't tell whether the mark in its numbers is decimal"),
        # One point: decimal, unless the file has decimal commas.
        (["1.234", "2.345"], ";", [["1,5", "2,5"]], {}, [1234, 2345], "'.' between thousands"),
        (["1.234", "2.345"], ";", [], {"decimal": ","}, [1234, 2345], "'.' between thousands"),
        (["1.234", "2.345"], ",", [], {}, [1.234, 2.345], ""),
        (["1.234", "2.345"], ";", [], {}, [1.234, 2.345], "doesn't tell whether the mark in its numbers is decimal"),
        (["1.234", "2.3"], ";", [["1,5", "2,5"]], {}, [1.234, 2.3], ""),
        (["1.5", "2.5"], ";", [], {"decimal": ","}, [1.5, 2.5], ""),
    ],
)
def test_marks_that_could_mean_two_things(column, cells, separator, others, options, values, told):
    found, _, _, notes = column(cells, separator, others, **options)
    assert found == values
    assert told in notes
    assert ("doesn't tell" in notes) == ("doesn't tell" in told)


@pytest.mark.parametrize(
    ("cells", "others", "separator", "day", "told"),
    [
        (["01/02/2024", "03/04/2024"], [["31/01/2024", "01/01/2024"]], ",", 1, False),
        (["01/02/2024", "03/04/2024"], [["01/31/2024", "01/01/2024"]], ";", 2, False),
        (["01/02/2024", "03/04/2024"], [], ",", 2, True),
        (["01/02/2024", "03/04/2024"], [], ";", 1, True),
        (["01-02-2024", "03-04-2024"], [], ",", 1, True),
        (["01.02.2024", "03.04.2024"], [], ",", 1, False),
        (["01/02/2024 10:00", "03/04/2024 11:00"], [], ",", 2, True),
    ],
)
def test_days_that_could_be_months(column, cells, others, separator, day, told):
    found, _, _, notes = column(cells, separator, others)
    assert found[0].day == day
    assert ("'x': day and month can't be told apart; read as a" in notes) == told


def test_one_value_far_down_decides(column):
    many = ["1,234"] * 5000
    assert column([*many, "1,5"], ",")[0][-2:] == [1.234, 1.5]
    assert column([*many, "1,234,567"])[0][-2:] == [1234, 1234567]
    assert column(["1"] * 5000 + ["2,5"])[0][-2:] == [1.0, 2.5]
    assert column(["1"] * 5000 + ["1.234"], others=[["0,5"] * 5001])[0][-1] == 1234
    assert column(["1"] * 5000 + ["02"])[0][-1] == "02"
    assert column(["1"] * 5000 + ["x"])[0][-1] == "x"
    assert column(["01/02/2024"] * 5000 + ["13/02/2024"])[0][0] == date(2024, 2, 1)
    assert column(["2024-01-31 10:00:00"] * 5000 + ["2024-01-31 10:00:00.5"])[0][-1].microsecond == 500_000
    assert column(["12 %"] * 5000 + ["12"])[0][-1] == "12"


def test_what_is_told(column):
    assert "decimal commas in 'x'" in column(["1,5", "2,5"])[3]
    assert "'x' is in percent: 12 % is read as 12" in column(["12 %"])[3]
    assert "'x' is an amount in €: read as numbers" in column(["12 €"])[3]
    assert "'x' has leading zeros: kept as text" in column(["02139", "10001"])[3]
    assert column(["1", "2"])[3] == column(["a", "b"])[3] == ""


def test_the_decimal_mark_of_the_file(tmp_path):
    path = tmp_path / "t.csv"
    for text, mark in (("a;b\n1,5;x\n", ","), ("a,b\n1.5,x\n", "."), ("a;b\n1;x\n", ".")):
        path.write_text(text)
        assert read_source(path).decimal == mark
    assert read_source(path, decimal=",").decimal == ","


@pytest.mark.parametrize(
    ("saved", "cell", "value"),
    [
        ("number,decimal=,", "2", 2),
        ("number", "007", 7),
        ("text", "12", "12"),
        ("date %d/%m/%Y", "01/02/2024", date(2024, 2, 1)),
        ("currency $", "5", 5),
        ("number", "NA", None),
        ("true/false", "", None),
    ],
)
def test_a_saved_format_is_kept(tmp_path, saved, cell, value):
    path = tmp_path / "t.csv"
    path.write_text(f"x,y\n{cell},1.5\n")
    source = read_source(path, formats={"x": saved, "absent": "number"})
    assert source.frame.rows() == [(value, 1.5)]
    assert source.formats == {"x": saved, "y": "number"}


@pytest.mark.parametrize(
    ("saved", "cell", "expected"),
    [
        ("number", "x", "expected a number, as at training, got 'x'; mend the value, or empty it if it is missing"),
        ("number", "1,5", "expected a number,"),
        ("number,decimal=,", "1.5", "expected a number such as 1234,5,"),
        ("number,decimal=,,thousands=.", "1,234.5", r"expected a number such as 1\.234,5,"),
        ("percent", "12", "expected a percentage such as 12.5 %,"),
        ("currency €", "$5", "expected a number in €,"),
        ("true/false", "yes", "expected true or false,"),
        ("date %d.%m.%Y", "2024-01-31", "expected a date written day.month.year,"),
        ("date %m/%d/%Y", "31/01/2024", "expected a date written month/day/year,"),
        ("time %Y-%m-%d %H:%M", "2024-01-31", "expected a time written year-month-day hour:minute,"),
    ],
)
def test_a_value_that_does_not_fit_the_saved_format(tmp_path, saved, cell, expected):
    path = tmp_path / "t.csv"
    path.write_text(f'y,x\n"a\nb",\n\n1,"{cell}"\n')
    with pytest.raises(InputError, match=rf"t\.csv, line 5, column 'x': {expected}"):
        read_source(path, formats={"x": saved})


@pytest.mark.parametrize("text", ["", "nonsense", "number,decimal=;", "date %Q", "date %", "currency", "number,"])
def test_no_format(text):
    with pytest.raises(InputError, match="is no format of a column"):
        formats.from_text(text)


@pytest.mark.parametrize("unit", ["", "%", "$", "원"])
@pytest.mark.parametrize(("decimal", "thousands"), formats.MARKS)
def test_formats_there_and_back(unit, decimal, thousands):
    number = formats.Number(decimal, thousands, unit)
    assert formats.from_text(str(number)) == number


MOMENTS = [moment for day in formats.DAYS for moment in formats.of_day(day)]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_every_way_to_write_a_moment(moment):
    """Python's strptime reads what the format describes likewise."""
    assert formats.from_text(str(moment)) == moment
    when = datetime(2024, 10, 31, 13, 7, 0, tzinfo=UTC)
    python = moment.layout.replace("%.f", "")
    text = when.strftime(python)
    assert moment.fits(text)
    value = moment.parse(pl.Series([text]))[0]
    expected = datetime.strptime(text, python)  # noqa: DTZ007
    assert value == (expected if "%M" in python else expected.date())


@pytest.mark.parametrize(("decimal", "thousands"), [(".", ","), (",", "."), (",", " "), (".", "'")])
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbers_are_read_as_pandas_reads_them(tmp_path, decimal, thousands, hundredths):
    def spelled(value):
        return f"{value / 100:,.2f}".translate(str.maketrans({",": thousands, ".": decimal}))

    path = tmp_path / "t.csv"
    path.write_text("x;y\n" + "".join(f"{spelled(value)};k\n" for value in hundredths))
    theirs = pandas.read_csv(path, sep=";", decimal=decimal, thousands=thousands)["x"]
    ours = read_source(path).frame["x"]
    np.testing.assert_array_equal(ours.to_numpy(), theirs.to_numpy())
    np.testing.assert_allclose(ours.to_numpy(), np.array(hundredths) / 100)
