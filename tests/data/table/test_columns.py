"""The kinds of column: how each is told, and what becomes of its values."""

import re
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, RobustScaler, StandardScaler

from backlit.data import TablePreparation
from backlit.data.table import Category, Column, LeftOut, Moment, Number, understand
from backlit.errors import InputError, UnknownNameError


def kind(values, wish=None, name="c", **options):
    return understand(pl.Series(name, values, strict=False, **options), wish)


@pytest.mark.parametrize(
    ("values", "what", "note"),
    [
        (["가", "나", "다", "라"], "identifier", "different in every row"),
        ([f"row{i % 60}" for i in range(100)], "text", "60 different values in 100 rows"),
        ([1.0, 1.0, 1.0], "constant", "always 1.0"),
        ([float("nan"), None], "empty", "every value is missing"),
        ([[1], [2], [1]], "other", r"holds List\(Int64\)"),
        ([{"a": 1}, {"a": 2}, {"a": 1}], "other", "holds Struct"),
        ([b"a", b"b", b"a"], "other", "holds Binary"),
        ([1e200, 3e200], "number", r"reaches .*e\+200, too large"),
        ([f"{'아주 긴 글입니다 ' * 6}{i}" for i in range(50)], "text", "prose"),
    ],
)
def test_columns_that_are_left_out(values, what, note):
    column = kind(values)
    assert isinstance(column, LeftOut)
    assert column.kind == what
    assert re.search(note, column.note)
    assert column.inputs == ()


def test_numbers_that_only_look_like_identifiers():
    assert isinstance(kind(list(range(1980, 2020)), name="year"), Number)
    assert isinstance(kind([i * i for i in range(40)], name="area"), Number)
    assert kind([i * i + 7 for i in range(40)], name="customer_id").kind == "identifier"
    assert isinstance(kind([0.5 * i for i in range(40)]), Number)
    assert isinstance(kind(list(range(10))), Number)
    assert isinstance(kind(list(range(1, 41)), name="distance"), Number)  # consecutive isn't enough
    assert isinstance(kind([3 * i % 41 for i in range(1, 41)], name="no"), Number)  # doesn't count the rows


@pytest.mark.parametrize("name", ["", "column_1", "Unnamed: 0", "index", "no", "Nr.", "row", "id", "customer_id"])
def test_numbers_that_count_the_rows_under_no_name_of_their_own(name):
    column = kind(list(range(1, 41)), name=name)
    assert isinstance(column, LeftOut)
    assert (column.kind, column.note) == ("identifier", "numbers that only name the rows")


@pytest.mark.parametrize("name", ["paid", "humid", "androids", "note", "noise", "keys", "nox", "rowing"])
def test_names_that_only_look_like_identifiers(name):
    assert isinstance(kind([i * i + 7 for i in range(40)], name=name), Number)


def test_an_identifier_that_goes_with_the_target_is_kept():
    ids = pl.Series("customer_id", [(7 * i) % 41 + 1000 for i in range(41)])
    target = (ids - 1000).to_numpy() * 2.0
    assert isinstance(understand(ids, None, lambda: target), Number)
    assert understand(ids, None, lambda: np.random.default_rng(0).normal(size=41)).kind == "identifier"
    counting = pl.Series("id", range(41))  # rows may have been sorted by the target
    assert understand(counting, None, lambda: np.arange(41.0)).kind == "identifier"


@pytest.mark.parametrize(
    ("values", "levels", "name"),
    [
        ([True, False, True], ("false", "true"), "yes/no"),
        (["나", "가", None, "가"], ("가", "나"), "yes/no"),
        (["예", "아니오", "예", "아니오"], ("아니오", "예"), "yes/no"),
        (["10", "9", "b", "a"] * 5, ("9", "10", "a", "b"), "category"),
        (["here", None, "here"], ("here",), "category"),
    ],
)
def test_columns_of_categories(values, levels, name):
    column = kind(values)
    assert column.levels == levels
    assert column.kind == name


def test_two_levels_are_one_input():
    column = kind(["no", "yes", None, "no"])
    assert column.inputs == ("c=yes", "c=(missing)")
    assert column.apply(pl.Series(["yes", "no", None, "?"])).tolist() == [[1, 0], [-1, 0], [0, 1], [0, 0]]


def test_missing_is_a_level_and_rare_levels_share_one(rng):
    values = ["a"] * 300 + ["b"] * 290 + ["c", "d", "e", "e"] + [None] * 6
    column = kind(values)
    assert column.levels == ("a", "b")
    assert column.rare == ("c", "d", "e")
    assert column.inputs == ("c=a", "c=b", "c=(other)", "c=(missing)")
    x = column.apply(pl.Series(["a", "d", "nowhere", None]))
    assert x.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert column.unseen(pl.Series(["a", "d", "nowhere", None])) == 1
    assert "3 rare ones joined" in column.done
    assert "missing is a level" in column.done


def test_one_hot_equals_scikit_learn(rng):
    x = rng.choice(["가", "b", "다"], (50, 2))
    frame = pl.DataFrame(dict(zip("ab", x.T, strict=True)))
    np.testing.assert_array_equal(
        TablePreparation.learn(frame).apply(frame), OneHotEncoder(sparse_output=False).fit_transform(x)
    )


def test_numbers_equal_scikit_learn(rng):
    x = rng.normal(5, 3, (50, 4))
    x[rng.random(x.shape) < 0.2] = np.nan
    frame = pl.DataFrame(dict(zip("abcd", x.T, strict=True)))
    theirs = make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).fit_transform(x)
    ours = TablePreparation.learn(frame).apply(frame)
    np.testing.assert_allclose(ours[:, ::2], theirs, atol=1e-6)
    np.testing.assert_array_equal(ours[:, 1::2], np.isnan(x))


def test_long_tails_are_scaled_by_quartiles_and_squashed(rng):
    values = np.exp(rng.normal(0, 1.5, 2000))
    column = kind(values)
    assert column.scaling == "robust"
    z = RobustScaler(unit_variance=True).fit_transform(values[:, None])
    np.testing.assert_allclose(column.apply(pl.Series(values)), z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-5, atol=1e-6)
    assert np.abs(column.apply(pl.Series([1e30, -1e30]))).max() <= 3
    assert kind(rng.normal(size=2000)).scaling == "standard"
    assert kind(rng.uniform(size=2000)).scaling == "standard"
    assert kind([*rng.normal(size=2000), 1e6]).scaling == "robust"
    assert kind([0, 1] * 5 + [0] * 500).scaling == "standard"


def test_logarithm_on_request(rng):
    values = np.exp(rng.normal(3, 2, 300))
    column = kind(values, "log")
    expected = np.log1p(values)
    np.testing.assert_allclose(
        column.apply(pl.Series(values))[:, 0], (expected - expected.mean()) / expected.std(), rtol=1e-5, atol=1e-6
    )
    filled = kind([*values, None], "log").apply(pl.Series([None], dtype=pl.Float64))
    assert np.isfinite(filled).all()
    with pytest.raises(InputError, match=r"column 'c', row 2: log\(1 \+ x\) needs numbers above -1, got -3"):
        kind([1.0, -3.0, 2.0], "log")
    with pytest.raises(InputError, match="row 1: log"):
        column.apply(pl.Series("c", [-5.0]))


def test_infinite_numbers_are_told_by_row():
    with pytest.raises(InputError, match="column 'c', row 3 is infinite; mend or empty it"):
        kind([1.0, 2.0, float("inf")])


DAYS = [date(2020, 1, 1) + timedelta(days=37 * i) for i in range(40)]


def test_dates_become_cycles_and_time_elapsed():
    column = kind(DAYS)
    assert isinstance(column, Moment)
    assert column.kind == "date"
    assert column.inputs == ("c month sin", "c month cos", "c weekday sin", "c weekday cos", "c year", "c elapsed")
    x = column.apply(pl.Series("c", DAYS))
    angle = 2 * np.pi * np.array([d.month for d in DAYS]) / 12
    np.testing.assert_allclose(x[:, 0], np.sin(angle), atol=1e-6)
    weekday = 2 * np.pi * np.array([d.isoweekday() for d in DAYS]) / 7
    np.testing.assert_allclose(x[:, 3], np.cos(weekday), atol=1e-6)
    days = np.array([d.toordinal() for d in DAYS], dtype=float)
    np.testing.assert_allclose(x[:, 5], (days - days.mean()) / days.std(), atol=1e-5)
    assert column.done == "month, day of week, year, days elapsed"


def test_times_missing_dates_and_seasons():
    moments = [datetime.fromisoformat(f"2021-03-{i + 1:02}T{i % 24:02}:30") for i in range(30)]
    column = kind([*moments, None])
    assert column.kind == "date and time"
    assert "c hour sin" in column.inputs
    assert column.inputs[-1] == "c missing"
    x = column.apply(pl.Series("c", [None, moments[0]], dtype=pl.Datetime))
    assert x[0].tolist() == [0.0] * (len(column.inputs) - 1) + [1.0]
    season = kind(DAYS, "season")
    assert season.inputs == ("c month sin", "c month cos", "c weekday sin", "c weekday cos")
    assert kind([time(i) for i in range(24)]).inputs == ("c hour sin", "c hour cos", "c elapsed")
    zoned = pl.Series("c", moments).dt.replace_time_zone("Asia/Seoul")
    np.testing.assert_array_equal(kind(moments).apply(zoned), kind(moments).apply(pl.Series("c", moments)))
    assert isinstance(kind([timedelta(hours=i * i) for i in range(9)]), Number)


def test_text_with_dates_is_dates():
    column = kind([str(day) for day in DAYS])
    assert isinstance(column, Moment)
    np.testing.assert_array_equal(column.apply(pl.Series([str(DAYS[3])])), kind(DAYS).apply(pl.Series([DAYS[3]])))
    with pytest.raises(InputError, match="column 'c', row 2: expected a date or time, got 'soon'"):
        column.apply(pl.Series("c", ["2020-01-01", "soon"]))
    assert kind([f"2020-01-{i % 9 + 1:02}" for i in range(40)] + ["2020-99-99"] * 3).kind == "category"
    timed = kind([f"2020-01-01 {i:02}:00" for i in range(24)])
    assert timed.inputs == ("c hour sin", "c hour cos", "c elapsed")


def test_levels_are_found_whatever_type_a_file_gives_them():
    preparation = TablePreparation.learn(pl.DataFrame({"c": ["1", "02", "A", "1", "true"] * 3}))
    assert preparation.names == ["c=1", "c=02", "c=A", "c=true"]
    x = preparation.apply({"c": [1.0, 2.0, None, float("nan"), 5.0]})
    np.testing.assert_array_equal(x, [[1, 0, 0, 0], [0, 1, 0, 0], [0] * 4, [0] * 4, [0] * 4])
    assert preparation.unseen({"c": [1.0, 2.0, None, float("nan"), 5.0]}) == {"c": 1}
    np.testing.assert_array_equal(preparation.apply({"c": [True]}), [[0, 0, 0, 1]])
    np.testing.assert_array_equal(preparation.apply({"c": ["a"]}), [[0, 0, 0, 0]])  # text as it stands
    np.testing.assert_array_equal(preparation.apply(pl.DataFrame({"c": [None]})), [[0, 0, 0, 0]])
    doubtful = TablePreparation.learn(pl.DataFrame({"c": ["1", "01", "01", "x", "1", "x"]}))
    np.testing.assert_array_equal(doubtful.apply({"c": [1]}), [[0, 1, 0]])
    assert TablePreparation.learn(pl.DataFrame({"c": ["01", "001", "01", "001"]})).unseen({"c": [1]}) == {"c": 1}


@pytest.mark.parametrize(
    "column",
    [kind([1.5, 2.5, None]), kind(["a", "b", "c"] * 9), kind(DAYS), kind([None]), kind([*"aab", *"cd" * 20])],
    ids=lambda column: column.kind,
)
def test_columns_as_plain_data(column):
    assert Column.from_dict(column.to_dict()) == column
    assert isinstance(column, (Number, Category, Moment, LeftOut))


def test_unknown_columns_in_a_file():
    with pytest.raises(UnknownNameError, match="did you mean 'Number'"):
        Column.from_dict({"column": "Numbr", "name": "a"})


def test_identifiers_that_come_twice():
    numbers = [1000 + 37 * (i % 45) for i in range(60)]
    assert kind(numbers, name="ID").kind == "identifier"
    assert isinstance(kind(numbers, name="price"), Number)
