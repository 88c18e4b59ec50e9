"""Columns are found by name, and none that could tell something is dropped without need."""

import numpy as np
import pandas
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import backlit as bl
from backlit.data import TablePreparation
from backlit.data.frames import as_targets, columns_of
from backlit.data.named import NamedColumns
from backlit.data.table import Number, understand
from backlit.errors import InputError
from tests.silent.tables import tables

FAST = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = ["length", "width", "b", "a"]
FRAMES = {
    "pandas": pandas.DataFrame,
    "polars": pl.DataFrame,
    "dict": lambda columns: columns,
    "rows": lambda columns: [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
}


@given(tables(fewest=8), st.data())
@FAST
def test_permuted_and_unused_columns_never_change_a_tables_inputs(frame, data):
    try:
        preparation = TablePreparation.learn(frame)
    except InputError:
        return  # nothing to learn from
    names = data.draw(st.permutations(frame.columns))
    other = frame[names].with_columns(pl.lit(0.5).alias("unused"))
    np.testing.assert_array_equal(preparation.apply(other), preparation.apply(frame))


@pytest.mark.parametrize("kind", FRAMES)
@given(order=st.permutations(NAMES))
@FAST
def test_permuted_columns_of_frames_never_change_inputs(kind, order):
    columns = {name: np.arange(3.0) + place for place, name in enumerate(NAMES)}
    frame = FRAMES[kind](columns)
    other = FRAMES[kind]({name: columns[name] for name in order} | {"unused": np.ones(3)})
    named = NamedColumns.learn(frame)
    expected, found = named.apply(frame), named.apply(other)
    assert list(found) == NAMES
    assert all(np.array_equal(found[name], expected[name]) for name in NAMES)
    for scaling in (bl.data.Standardize(), bl.data.MinMax(), bl.data.Center()):
        learned = scaling.fit(frame)
        np.testing.assert_array_equal(learned.apply(other), learned.apply(frame))


def test_renamed_columns_are_refused():
    frame = pandas.DataFrame({"length": [1.0, 2.0], "width": [3.0, 5.0]})
    learned = bl.data.Standardize().fit(frame)
    with pytest.raises(InputError, match=r"trained on the columns length, width: .*did you mean 'widht'"):
        learned.apply(frame.rename(columns={"width": "widht"}))
    assert learned.apply(frame.to_numpy()).tolist() == learned.apply(frame).tolist()
    again = bl.data.Standardize.from_dict(learned.to_dict())
    assert again == learned


def test_a_network_finds_the_columns_of_frames_by_name(rng, tmp_path):
    frame = pandas.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    y = (3 * frame["a"] - frame["b"]).to_numpy()
    run = bl.fit(bl.Linear(1), frame, y, loss="mse", epochs=3, engine="numpy", progress=False)
    run.save(tmp_path / "run")
    for each in (run, bl.load(tmp_path / "run")):
        assert each.evaluate(frame[["b", "a"]], y) == run.evaluate(frame, y)
        np.testing.assert_array_equal(each.predict(frame.assign(c=1.0)), run.predict(frame))
        np.testing.assert_allclose(each.predict(frame.to_numpy()), run.predict(frame), rtol=1e-6)
        with pytest.raises(InputError, match="did you mean 'b2'"):
            each.predict(frame.rename(columns={"b": "b2"}))


def test_columns_of_frames_whose_names_are_numbers():
    frame = pandas.DataFrame(np.arange(6.0).reshape(3, 2))
    assert list(columns_of(frame)) == ["0", "1"]
    assert bl.data.as_arrays(frame)[0].tolist() == [[0, 1], [2, 3], [4, 5]]


# ------------------------------------------------------------------------------------------------ predictors


@pytest.mark.parametrize("name", ["x", "time", "distance", "rank", "age", "wealth", "no", "index", "id", "customer_id"])
def test_the_last_input_is_never_dropped(name):
    frame = pl.DataFrame({name: list(range(40)), "y": [2 * i + 1 for i in range(40)]})
    assert TablePreparation.learn(frame, "y").names == [name]


@pytest.mark.parametrize("name", ["time", "distance", "rank", "age", "wealth", "nitric oxide no"])
def test_counting_up_is_no_reason_to_drop_a_column(name, rng):
    frame = pl.DataFrame({name: list(range(100)), "z": rng.normal(size=100), "y": rng.normal(size=100)})
    assert name in TablePreparation.learn(frame, "y").names


@given(st.lists(st.floats(-1e6, 1e6), min_size=40, max_size=80, unique=True), st.integers(0, 39))
@FAST
def test_numbers_as_text_equal_numbers_and_a_slip_is_a_gap(values, place):
    numbers = pl.Series("x", values)
    text = pl.Series("x", [str(value) for value in values])
    np.testing.assert_allclose(understand(text).apply(text), understand(numbers).apply(numbers), rtol=1e-6)
    slipped = pl.Series("x", [str(value) if i != place else "#BAD" for i, value in enumerate(values)])
    gap = pl.Series("x", [value if i != place else None for i, value in enumerate(values)])
    column = understand(slipped)
    assert isinstance(column, Number)
    assert column.slips == ("#BAD",)
    assert "no numbers, so missing: '#BAD'" in column.done
    np.testing.assert_allclose(column.apply(slipped), understand(gap).apply(gap), rtol=1e-6)
    assert column.unseen(slipped) == 0
    assert column.unseen(pl.Series("x", ["1.5", "what"])) == 1


@pytest.mark.parametrize("other", ["12.345,6", "$12,345.6", "12 kg"])
def test_slips_among_numbers_as_people_write_them(other):
    cells = [other.replace("12", str(12 + i)) for i in range(60)]
    column = understand(pl.Series("x", [*cells, "unknown"]))
    assert isinstance(column, Number)
    assert column.slips == ("unknown",)


def test_codes_with_leading_zeros_are_no_numbers():
    codes = pl.Series("x", [f"{i:03}" for i in range(60)])
    assert not isinstance(understand(codes), Number)


@pytest.mark.parametrize("row", [3, 33, 57])
@pytest.mark.parametrize("above", ["", "# about\n\n"])
def test_a_cell_that_cannot_be_used_is_told_by_file_and_line(tmp_path, row, above):
    """Whatever part of the split it falls into, and however many rows without a target stand above it."""
    path = tmp_path / "t.csv"
    lines = [f"{'inf' if i == row else i / 7},{i % 3},{'' if i % 10 == 1 else i % 2}" for i in range(60)]
    path.write_text(above + "x,z,y\n" + "\n".join(lines) + "\n")
    line = row + 2 + above.count("\n")
    for seed in (0, 1):
        with pytest.raises(InputError, match=rf"t\.csv, line {line}, column 'x' is infinite; mend or empty it"):
            bl.fit(path, target="y", epochs=1, engine="numpy", seed=seed, progress=False)


# ------------------------------------------------------------------------------------------------ frames of others


def test_categories_of_numbers_are_categories():
    frame = pandas.DataFrame({"c": pandas.Categorical([7, 3, 5] * 20), "y": [0, 1, 1] * 20})
    assert TablePreparation.learn(frame, "y").names == ["c=3", "c=5", "c=7"]
    assert TablePreparation.learn(frame.convert_dtypes(dtype_backend="pyarrow"), "y").names == ["c=3", "c=5", "c=7"]


@pytest.mark.parametrize(
    "column",
    [
        pandas.cut(pandas.Series([1, 5, 9] * 10), 3),
        pandas.Series(pandas.period_range("2024-01", periods=3, freq="M").repeat(10)),
        pandas.get_dummies(pandas.Series(["a", "b", "c"] * 10), sparse=True)["a"],
    ],
    ids=["intervals", "periods", "sparse"],
)
def test_columns_that_only_pandas_has(column):
    assert TablePreparation.learn(pandas.DataFrame({"c": column})).names


def test_complex_numbers_are_refused_by_name():
    with pytest.raises(InputError, match="column 'c' holds complex numbers; give their real and imaginary parts"):
        TablePreparation.learn(pandas.DataFrame({"c": [1 + 2j, 3j]}))


# ------------------------------------------------------------------------------------------------ targets


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.5, 1.0, float("nan"), 2.0], r"targets: row 2 is missing \(NaN\); drop such rows"),
        ([0.5, float("inf"), 1.0, 2.0], "targets: row 1 is infinite"),
        ([[0.5, 1.0], [1.0, float("nan")]], r"targets: row 1, column 1 is missing"),
        (["a", None, "b", "a"], r"targets: row 1 is missing \(None\)"),
        (np.ma.masked_equal([1.0, -99.0, 2.0, 3.0], -99.0), "targets: row 1 is masked"),
        (pandas.Series([1.0, None, 2.0, 3.0]), r"targets: row 1 is missing \(NaN\)"),
        (pandas.array([1, None, 2, 3], dtype="Int64"), "targets: row 1 is missing"),
    ],
)
def test_a_missing_target_is_told_before_training(y, message):
    with pytest.raises(InputError, match=message):
        as_targets(y)
    with pytest.raises(InputError, match=message):
        bl.fit(bl.Linear(1), np.ones((len(y), 1)), y, epochs=1, engine="numpy", progress=False)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1) | st.lists(st.text(), min_size=1))
@FAST
def test_other_targets_stay_as_they_are(y):
    assert as_targets(y).tolist() == y
