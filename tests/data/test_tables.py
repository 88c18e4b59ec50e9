"""Table files and their preparation."""

import csv
import json
import re
from datetime import date
from decimal import Decimal

import numpy as np
import pandas
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import backlit as bl
from backlit.data import TablePreparation, read
from backlit.data.table import targets
from backlit.errors import InputError, UnknownNameError


def write(tmp_path, text, name="t.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_reads_korean_headers_quotes_and_missing_values(tmp_path, separator):
    lines = [["이름", "키", "메모"], ["가", "1.5", '"a\nb"'], ["나", "NA", "x"], ["다", "", "?"]]
    path = write(tmp_path, "\n".join(separator.join(line) for line in lines) + "\n")
    frame = read(path)
    assert frame.columns == ["이름", "키", "메모"]
    assert frame["키"].to_list() == [1.5, None, None]
    assert frame["메모"].to_list() == ["a\nb", "x", None]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    assert read(write(tmp_path, "a,b\n1,2\n", encoding="utf-8-sig")).columns == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,b\n", "a header but no rows"),
        ("\n\n", "starts with an empty line"),
        ("\na,b\n1,2\n", "the first line must name the columns"),
        ("a, a\n1,2\n", "two columns are called 'a'"),
        ("a,b\n1,2\n1,2,3\n", r"line 3: 3 values, but the header has 2 columns"),
        ("a,b\n1,2\n1\n", r"line 3: 1 values"),
        ("a,a\n1,2\n", "two columns are called 'a'"),
        ("a,\n1,2\n", "column 2 has no name"),
        ('a,b\n"1,2\n', "can't be read as CSV"),
    ],
)
def test_broken_files(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\r\n1,x\r\n2,y\r\n", [(1, "x"), (2, "y")]),
        ("a,b\r1,x\r2,y\r", [(1, "x"), (2, "y")]),
        ("a,b\n\n1,x\n\n2,y\n\n", [(1, "x"), (2, "y")]),
        ('a,b\n5,3" screw\n4,2"\n', [(5, '3" screw'), (4, '2"')]),
        ("a, b\n1, 2\n3, NA\n", [(1, 2.0), (3, None)]),
        ("a, b\n1, x\n3,  \n", [(1, "x"), (3, None)]),
        ('"a,c;d";b\n1;x\n', [(1, "x")]),
        ("a,b\n1,\n2,\n", [(1, None), (2, None)]),
        ('a,b\n1,"x\n\ny"\n', [(1, "x\n\ny")]),
        ("a,b\n,\n1,x\n", [(None, None), (1, "x")]),
    ],
)
def test_odd_but_readable_files(tmp_path, text, rows):
    frame = read(write(tmp_path, text))
    assert frame.rows() == rows
    assert frame.columns[1] == "b"


def test_a_column_of_values_with_empty_lines(tmp_path):
    assert read(write(tmp_path, "a\n1\n\n3\n\n"))["a"].to_list() == [1, 3]


def test_names_of_files_are_no_patterns(tmp_path):
    write(tmp_path, "a\n1\n", "houses.csv")
    assert read(write(tmp_path, "a\n2\n", "house*.csv"))["a"].to_list() == [2]
    write(tmp_path, "a\n4\n", "집1.csv")
    assert read(write(tmp_path, "a\n3\n", "집[1].csv"))["a"].to_list() == [3]


@given(
    st.lists(
        st.tuples(st.integers(-9, 9), st.text(' ,;"\n\t가a', max_size=5).filter(lambda t: t.strip() == t != "")),
        min_size=1,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_writer_wrote_is_read(tmp_path, rows):
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("수", "글"), *rows])
    assert read(path).rows() == rows


def test_files_that_are_no_tables(tmp_path):
    write(tmp_path, "a\n1\n", "houses.csv")
    with pytest.raises(InputError, match=r"there is no file .*house\.csv; did you mean .*houses\.csv"):
        read(tmp_path / "house.csv")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(InputError, match="isn't UTF-8 text"):
        read(tmp_path / "noise.csv")
    (tmp_path / "korean.csv").write_bytes(b"a,b\n" + b"1,2\n" * 5000 + "가,3\n".encode("cp949"))
    with pytest.raises(InputError, match=r"isn't UTF-8 text \(line 5002\); save it as UTF-8 CSV"):
        read(tmp_path / "korean.csv")
    with pytest.raises(InputError, match=r"can't be read|there is no file"):
        read("a" * 5000)
    with pytest.raises(InputError, match=r"there is no file .*nowhere"):
        read(tmp_path / "nowhere" / "t.csv")
    with pytest.raises(InputError, match="isn't UTF-8 text"):
        read(write(tmp_path, "a,b\n1,2\n", "sixteen.csv", "utf-16"))
    (tmp_path / "zeros.csv").write_bytes(b"\0" * 100)
    with pytest.raises(InputError, match=r"zeros\.csv isn't UTF-8 text \(zero bytes"):
        read(tmp_path / "zeros.csv")


def test_what_polars_cannot_read_or_reads_in_part(tmp_path, monkeypatch):
    path = write(tmp_path, "a,b\n1,2\n3,4\n")

    def fails(*_, **__):
        raise pl.exceptions.ComputeError("no such thing\nand more")

    monkeypatch.setattr(pl, "read_csv", fails)
    with pytest.raises(InputError, match=r"can't be read as CSV: no such thing$"):
        read(path)
    monkeypatch.setattr(pl, "read_csv", lambda *_, **__: pl.DataFrame({"a": [1], "b": [2]}))
    with pytest.raises(InputError, match="can't be read as CSV: 2 rows, of which only 1 make sense"):
        read(path)


@pytest.fixture
def frame():
    return pl.DataFrame(
        {
            "id": [f"row{i}" for i in range(40)],
            "size": [float(i) if i % 5 else None for i in range(40)],
            "colour": [["빨강", "파랑"][i % 2] for i in range(40)],
            "same": [1] * 40,
            "empty": [None] * 40,
            "y": [i % 3 for i in range(40)],
        }
    )


def test_each_kind_of_column(frame):
    preparation = TablePreparation.learn(frame, "y")
    notes = {column.name: column.note for column in preparation.columns if not column.width}
    assert notes == {"id": "different in every row", "same": "always 1", "empty": "every value is missing"}
    assert preparation.names == ["size", "colour=빨강", "colour=파랑"]
    x = preparation.apply(frame)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x[:, 0].mean(), 0, atol=1e-6)
    np.testing.assert_allclose(x[:, 0].std(), 1, atol=1e-6)
    present = frame["size"].drop_nulls().to_numpy()
    np.testing.assert_allclose(
        x[0, 0], (np.median(present) - preparation.columns[1].center) / preparation.columns[1].scale
    )
    assert x[0, 1:].tolist() == [1.0, 0.0]


def test_only_training_rows_are_learned_from(frame):
    half = TablePreparation.learn(frame, "y", rows=np.arange(20))
    assert half == TablePreparation.learn(frame[:20], "y")
    assert half != TablePreparation.learn(frame, "y")


def test_new_files_may_differ_in_order_and_extra_columns(frame):
    preparation = TablePreparation.learn(frame, "y")
    other = frame.select(["y", "colour", "size"]).with_columns(extra=pl.lit(1))
    np.testing.assert_array_equal(preparation.apply(other), preparation.apply(frame))
    np.testing.assert_array_equal(preparation.apply(frame.to_pandas()), preparation.apply(frame))
    new = frame.with_columns(colour=pl.lit("초록"))
    assert (preparation.apply(new)[:, 1:] == 0).all()
    assert preparation.unseen(new) == {"colour": 40}
    assert TablePreparation.from_dict(json.loads(json.dumps(preparation.to_dict()))) == preparation


def test_new_files_that_do_not_fit(frame):
    preparation = TablePreparation.learn(frame, "y")
    with pytest.raises(InputError, match="column 'colour' is missing; the network needs size, colour"):
        preparation.apply(frame.drop("colour"))
    text = frame.with_columns(size=pl.Series(["1"] * 39 + ["large"]))
    with pytest.raises(InputError, match="column 'size', row 40: expected a number, got 'large'"):
        preparation.apply(text)
    infinite = frame.with_columns(size=pl.Series([float("inf"), *[1.0] * 39]))
    with pytest.raises(InputError, match="column 'size', row 1 is infinite"):
        preparation.apply(infinite)
    for value in ("1_000", "NA", date(2020, 1, 1), True):
        with pytest.raises(InputError, match=f"column 'size', row 1: expected a number, got {re.escape(repr(value))}"):
            preparation.apply({"size": [value], "colour": ["빨강"]})
    with pytest.raises(InputError, match="column 'size', row 2 is infinite"):
        preparation.apply({"size": ["1", "inf"], "colour": ["빨강"] * 2})
    with pytest.raises(InputError, match=r"column 'size', row 1: 1e\+300 is far too large beside the training's"):
        preparation.apply({"size": [1e300], "colour": ["빨강"]})
    with pytest.raises(InputError, match="column 'size' is missing; is it called ' Size' now"):
        preparation.apply(frame.rename({"size": " Size"}))
    with pytest.raises(InputError, match=r"c9 and 2 more"):
        TablePreparation.learn({f"c{i}": [1, 2] for i in range(12)}).apply({"c1": [1]})
    with pytest.raises(InputError, match="these columns make no table"):
        preparation.apply({"size": [1], "colour": ["빨강", "파랑"]})
    with pytest.raises(InputError, match="two columns have the same name"):
        preparation.apply(pandas.DataFrame([[1, 2]], columns=["size", "size"]))
    with pytest.raises(InputError, match="expected a data frame"):
        preparation.apply(np.ones((3, 2)))


def learned(values):
    """The column that these values become, beside one of numbers."""
    frame = pl.DataFrame({"c": values, "x": range(len(values))}, strict=False)
    return TablePreparation.learn(frame).columns[0]


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (["가", "나", "다", "라"], "different in every row"),
        ([f"row{i % 50}" for i in range(100)], "50 levels, more than 30"),
        ([*map(str, range(50)), *map(str, range(50)), "열"], "mostly numbers, but '열' is none"),
        ([1.0, float("nan"), 1.0], "always 1.0"),
        ([float("nan"), None], "every value is missing"),
        ([[1], [2], [1]], r"holds List\(Int64\)"),
        ([{"a": 1}, {"a": 2}, {"a": 1}], "holds Struct"),
        ([b"a", b"b", b"a"], "holds Binary"),
        ([1e200, 3e200], r"reaches 3e\+200, too large"),
    ],
)
def test_columns_that_are_left_out(values, note):
    column = learned(values)
    assert column.width == 0
    assert re.search(note, column.note)


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([True, False, True], ("False", "True")),
        ([date(2020, 1, 1), date(2020, 1, 1), date(2020, 1, 2)], ("2020-01-01", "2020-01-02")),
        (["나", "가", None, "가"], ("가", "나")),
    ],
)
def test_columns_of_categories(values, levels):
    assert learned(values).levels == levels


def test_numbers_equal_scikit_learn(rng):
    x = rng.normal(5, 3, (50, 4))
    x[rng.random(x.shape) < 0.2] = np.nan
    frame = pl.DataFrame(dict(zip("abcd", x.T, strict=True)))
    theirs = make_pipeline(SimpleImputer(strategy="median"), StandardScaler()).fit_transform(x)
    np.testing.assert_allclose(TablePreparation.learn(frame).apply(frame), theirs, atol=1e-6)


def test_categories_equal_scikit_learn(rng):
    x = rng.choice(["가", "b", "다"], (50, 2))
    frame = pl.DataFrame(dict(zip("ab", x.T, strict=True)))
    np.testing.assert_array_equal(
        TablePreparation.learn(frame).apply(frame), OneHotEncoder(sparse_output=False).fit_transform(x)
    )


def test_levels_are_found_whatever_type_a_file_gives_them():
    preparation = TablePreparation.learn(pl.DataFrame({"c": ["1", "02", "A", "1", "true"]}))
    assert preparation.names == ["c=02", "c=1", "c=A", "c=true"]
    x = preparation.apply({"c": [1.0, 2.0, None, float("nan"), 5.0]})
    np.testing.assert_array_equal(x, [[0, 1, 0, 0], [1, 0, 0, 0], [0] * 4, [0] * 4, [0] * 4])
    assert preparation.unseen({"c": [1.0, 2.0, None, float("nan"), 5.0]}) == {"c": 1}
    np.testing.assert_array_equal(preparation.apply({"c": [True]}), [[0, 0, 0, 1]])
    np.testing.assert_array_equal(preparation.apply({"c": ["a"]}), [[0, 0, 0, 0]])  # text as it stands
    np.testing.assert_array_equal(preparation.apply(pl.DataFrame({"c": [None]})), [[0, 0, 0, 0]])
    doubtful = TablePreparation.learn(pl.DataFrame({"c": ["1", "01", "01", "x"]}))
    np.testing.assert_array_equal(doubtful.apply({"c": [1]}), [[0, 1, 0]])
    assert TablePreparation.learn(pl.DataFrame({"c": ["01", "001", "01"]})).unseen({"c": [1]}) == {"c": 1}


def test_frames_of_anyone(frame):
    preparation = TablePreparation.learn(frame, "y")
    assert TablePreparation.learn(frame.to_pandas(), "y") == preparation
    assert TablePreparation.learn(frame.to_arrow(), "y") == preparation
    assert targets(frame.to_pandas(), "y")[0].tolist() == frame["y"].to_list()
    assert preparation.apply(frame[:0]).shape == (0, 3)
    assert preparation.apply({"size": ["1", " 2.5 "], "colour": ["빨강", "파랑"]}).shape == (2, 3)


def test_nothing_to_learn_from(frame):
    with pytest.raises(InputError, match="no column is left to learn from"):
        TablePreparation.learn(frame.select(["id", "same", "y"]), "y")
    with pytest.raises(UnknownNameError, match="did you mean 'colour'"):
        TablePreparation.learn(frame, "color")


@pytest.mark.parametrize(
    ("values", "task", "expected"),
    [
        (["a", "b"], None, "classification"),
        ([True, False], None, "classification"),
        ([0, 1], None, "classification"),
        ([0.5, 1.5], None, "regression"),
        (list(range(100)), None, "regression"),
        (list(range(100)), "classification", "classification"),
        ([0, 1], "regression", "regression"),
        (list(range(10)), None, "regression"),
        (list(range(10)) * 2, None, "classification"),
        ([3.0, 1.0] * 5, None, "classification"),
        ([0.5, 1.5], "classification", "classification"),
        ([2**60, 2**60 + 1], None, "classification"),
        ([Decimal("1.5"), Decimal(2)], None, "regression"),
        (["나", "가", "가"], None, "classification"),
    ],
)
def test_the_task_is_told_from_the_target(values, task, expected):
    y, decided = targets(pl.DataFrame({"y": values}), "y", task)
    assert decided == expected
    assert y.tolist() == values


def test_numbers_written_as_text_are_regressed():
    y, task = targets({"y": [str(i / 2) for i in range(50)]}, "y")
    assert task == "regression"
    assert y.tolist() == [i / 2 for i in range(50)]
    assert targets({"y": ["1", " 2"]}, "y", "regression")[0].tolist() == [1.0, 2.0]
    assert targets({"y": ["1", "2"]}, "y")[0].tolist() == ["1", "2"]


def test_files_to_evaluate_may_hold_one_class():
    assert targets({"y": ["a", "a"]}, "y", "classification", varied=False)[0].tolist() == ["a", "a"]


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        ([1.0, float("nan"), 2.0], None, "row 2 is missing"),
        ([1.0, float("inf"), 2.0], "classification", "row 2 isn't finite"),
        ([*map(str, range(50)), "비쌈"], None, "row 51 is '비쌈', no number, so it can't be regressed; mend the row"),
        ([True, False], "regression", "row 1 is 'True', no number"),
        ([], None, "there are no rows"),
        ([[1], [2]], None, r"holds List\(Int64\); expected numbers, text or booleans"),
        (["a", "a"], "classification", "is 'a' in every row"),
        ([1, None], None, "row 2 is missing"),
        ([3, 3], None, "is 3 in every row"),
        (["a", "b"], "regression", "can't be regressed"),
        ([1.5, float("inf")], None, "row 2 isn't finite"),
        ([1, 2], "ranking", "unknown task"),
    ],
)
def test_targets_refuse(values, task, message):
    with pytest.raises(InputError, match=message):
        targets(pl.DataFrame({"y": values}), "y", task)
    with pytest.raises(UnknownNameError, match="did you mean 'y'"):
        targets(pl.DataFrame({"y": values}), "yy", task)


def test_a_run_on_a_table_takes_raw_rows(frame, tmp_path):
    preparation = TablePreparation.learn(frame, "y")
    net = bl.Sequential(bl.Linear(8), bl.ReLU(), bl.Linear(3))
    run = bl.fit(net, frame, frame["y"], preparation=preparation, epochs=2)
    same = bl.load(run.save(tmp_path / "run"))
    np.testing.assert_array_equal(same.predict(frame.to_pandas()), run.predict(frame))
