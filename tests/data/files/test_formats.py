"""Tables in Parquet, Arrow, JSON lines, NumPy's archives and Excel."""

import io
import json
import sys
from datetime import date, datetime

import numpy as np
import pandas
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlit.data import read, read_source
from backlit.errors import BacklitError, InputError

FRAME = pl.DataFrame(
    {
        "이름": ["가", None, "다"],
        "n": [1, 2, 3],
        "x": [0.5, None, 1.5],
        "d": [date(2024, 1, 31), date(2024, 2, 1), None],
        "t": [datetime(2024, 1, 31, 10, 5)] * 3,  # noqa: DTZ001
        "b": [True, False, None],
    }
)


@pytest.mark.parametrize(
    ("ending", "format_"),
    [("parquet", "parquet"), ("pq", "parquet"), ("arrow", "arrow"), ("feather", "arrow"), ("ipc", "arrow")],
)
def test_files_with_types_are_read_as_they_are(tmp_path, ending, format_):
    path = tmp_path / f"t.{ending}"
    (FRAME.write_parquet if format_ == "parquet" else FRAME.write_ipc)(path)
    source = read_source(path, keep_text=True)
    assert source.frame.equals(FRAME)
    assert source.format == format_
    assert source.text is source.encoding is source.separator is source.decimal is None
    assert source.formats == {
        "이름": "text", "n": "number", "x": "number", "d": "date %Y-%m-%d", "t": "text", "b": "true/false"
    }  # fmt: skip


def test_arrow_streams_and_pandas_files(tmp_path):
    FRAME.write_ipc_stream(tmp_path / "t.arrow")
    assert read(tmp_path / "t.arrow").equals(FRAME)
    pandas.DataFrame({"a": [1.5, None], "b": ["x", None]}).to_parquet(tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet").rows() == [(1.5, "x"), (None, None)]
    pandas.DataFrame({"a": [1.5, 2]}).to_feather(tmp_path / "t.feather")
    assert read(tmp_path / "t.feather")["a"].to_list() == [1.5, 2.0]


def test_json_lines(tmp_path):
    path = tmp_path / "t.jsonl"
    lines = [{"이름": "가", "x": 1, "d": "2024-01-31"}, {"x": 2.5, "이름": None, "zip": "02139"}]
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n", encoding="utf-8")
    source = read_source(path, keep_text=True)
    assert source.frame.rows(named=True) == [
        {"이름": "가", "x": 1.0, "d": date(2024, 1, 31), "zip": None},
        {"이름": None, "x": 2.5, "d": None, "zip": "02139"},
    ]
    assert (source.format, source.encoding) == ("jsonl", "utf-8")
    assert source.text["d"].to_list() == ["2024-01-31", None]
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp949"))
    again = read_source(path)
    assert again.frame.equals(source.frame)
    assert again.encoding == "cp949"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a"\n', r"line 2 isn't JSON: .*; expected one object a line"),
        ('{"a": 1}\n[1]\n', r'line 2: expected an object such as \{"a": 1\}, got a list'),
        ("[1, 2]\n", r'isn\'t a table: expected a list of objects such as \[\{"a": 1\}\], one object a line'),
        ('[{"a": 1}, {"a"]\n', r"isn't JSON: "),
        ("3\n", "line 1: expected an object"),
        ("", "is empty"),
    ],
)
def test_no_json_lines(tmp_path, text, message):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read(path)


def test_numpy_archives(tmp_path):
    path = tmp_path / "t.npz"
    x = np.arange(6.0).reshape(3, 2)
    np.savez(path, x=x, y=np.array(["가", "나", "다"]), day=np.array(["2024-01-31"] * 3, dtype="datetime64[D]"),
             half=np.ones(3, np.float16), long=np.ones(3, np.longdouble))  # fmt: skip
    frame = read(path)
    assert frame.columns == ["x1", "x2", "y", "day", "half", "long"]
    np.testing.assert_array_equal(frame[["x1", "x2"]].to_numpy(), x)
    assert frame["y"].to_list() == ["가", "나", "다"]
    assert frame["day"][0] == date(2024, 1, 31)


def test_structured_arrays(tmp_path):
    path = tmp_path / "t.npz"
    prices = np.array([("2024-01-31", 1.5), ("2024-02-01", 2.5)], dtype=[("date", "M8[D]"), ("close", "f8")])
    np.savez(path, prices=prices)
    assert read(path).rows() == [(date(2024, 1, 31), 1.5), (date(2024, 2, 1), 2.5)]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((2, 2, 2))}, r"array 'x' has shape \(2, 2, 2\); expected \(rows,\) or \(rows, columns\)"),
        ({"x": np.float64(3)}, r"array 'x' has shape \(\)"),
        ({"x": np.zeros(2), "y": np.zeros(3)}, r"different numbers of rows \('x' 2, 'y' 3\)"),
        ({"x": np.array([{}, []], dtype=object)}, r"can't be read as .npz: Object arrays cannot be loaded"),
        ({"x": np.zeros(2, complex)}, "array 'x' holds complex128; expected numbers"),
        ({"x": np.zeros(0)}, "a header but no rows"),
        ({}, "has no columns"),
    ],
)
def test_archives_that_are_no_tables(tmp_path, arrays, message):
    path = tmp_path / "t.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=message):
        read(path)


def test_excel(tmp_path):
    path = tmp_path / "t.xlsx"
    source_frame = FRAME.with_columns(p=pl.Series(["12 %", "3 %", None]), z=pl.Series(["02139", "10001", "-"]))
    source_frame.write_excel(path)
    source = read_source(path, keep_text=True)
    assert source.format == "excel"
    assert source.frame.drop("p", "z", "n").equals(FRAME.drop("n").with_columns(pl.col("t").cast(pl.Datetime("ms"))))
    assert source.frame["n"].to_list() == [1, 2, 3]
    assert source.frame["p"].to_list() == [12, 3, None]
    assert source.frame["z"].to_list() == ["02139", "10001", None]
    assert source.text["p"].to_list() == ["12 %", "3 %", None]
    assert "'p' is in percent: 12 % is read as 12" in source.notes


def test_excel_sheets_and_headers(tmp_path):
    path = tmp_path / "t.xlsx"
    with pandas.ExcelWriter(path, engine="xlsxwriter") as writer:
        pandas.DataFrame([["a", None, "a"], [1, "x", 2], [3, "y", 4], [None] * 3]).to_excel(
            writer, sheet_name="첫째", header=False, index=False
        )
        pandas.DataFrame({"other": [1]}).to_excel(writer, sheet_name="second", index=False)
    source = read_source(path)
    assert source.frame.columns == ["a", "column_2", "a_1"]
    assert source.frame.rows() == [(1, "x", 2), (3, "y", 4)]
    assert source.notes == (
        "only the first sheet is read, '첫째' of 2",
        "column 2 has no name in the header: called 'column_2'",
    )


def test_excel_needs_a_package(tmp_path, monkeypatch):
    path = tmp_path / "t.xlsx"
    FRAME.write_excel(path)
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(InputError, match=r"t\.xlsx: reading Excel files needs another package: pip install 'backlit"):
        read(path)


def test_empty_excel(tmp_path):
    path = tmp_path / "t.xlsx"
    pl.DataFrame().write_excel(path)
    with pytest.raises(InputError, match=r"has no columns|a header but no rows"):
        read(path)
    FRAME[:0].write_excel(path)
    with pytest.raises(InputError, match="a header but no rows"):
        read(path)


@pytest.mark.parametrize("ending", ["parquet", "npz", "xlsx", "arrow", "jsonl"])
def test_noise_and_text_under_other_names(tmp_path, ending):
    path = tmp_path / f"t.{ending}"
    for data in (bytes(range(256)) * 20, b"a,b\n1,2\n"):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"isn't of the kind that its name says|can't be read as|isn't"):
            read(path)
    path.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(InputError, match=r"it is a picture|can't be read as"):
        read(path)


def _written():
    files = {}
    for ending, write in (("parquet", FRAME.write_parquet), ("arrow", FRAME.write_ipc), ("xlsx", FRAME.write_excel)):
        file = io.BytesIO()
        write(file)
        files[ending] = file.getvalue()
    file = io.BytesIO()
    np.savez(file, x=np.zeros((3, 2)), y=np.arange(3))
    return files | {"npz": file.getvalue(), "jsonl": FRAME.write_ndjson().encode()}


WRITTEN = _written()


@given(st.sampled_from(sorted(WRITTEN)), st.integers(0, 10**6), st.binary(max_size=8), st.integers(0, 20))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_damaged_files_lead_to_no_other_error(tmp_path, ending, place, noise, cut):
    data = bytearray(WRITTEN[ending])
    place %= len(data)
    data[place : place + len(noise)] = noise
    path = tmp_path / f"t.{ending}"
    path.write_bytes(data[: len(data) - cut])
    try:
        read(path)
    except BacklitError as error:
        assert str(path) in str(error)  # noqa: PT017
