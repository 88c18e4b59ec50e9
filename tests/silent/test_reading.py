"""How a table is written never changes its values, and what is written is read again."""

import bz2
import contextlib
import csv
import gzip
import lzma
import sqlite3
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlit.data import read, read_source
from backlit.data.files.cells import MEANT, MISSING
from backlit.data.files.writing import write
from backlit.errors import InputError
from tests.silent.tables import tables, written

FAST = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(
    tables(),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp949"]),
    st.booleans(),
    st.sampled_from(["", ".gz", ".bz2", ".xz"]),
)
@FAST
def test_the_form_of_a_file_never_changes_its_values(tmp_path, frame, separator, newline, quoting, code, end, packed):
    path = tmp_path / f"t.csv{packed}"
    pack = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[packed]
    text = written(frame, separator, newline, quoting, end)
    path.write_bytes(pack(text.encode(code)))
    found = read(path)
    assert found.columns == frame.columns
    for name in frame.columns:
        assert found[name].to_list() == frame[name].to_list(), name


@given(tables(), st.data())
@FAST
def test_other_columns_and_the_order_of_columns_never_change_values(tmp_path, frame, data):
    """With a format that was learned, and without: but for marks that another column makes plain."""
    names = data.draw(st.permutations(frame.columns))
    wider = frame[names].with_columns(pl.lit("n").alias("unused"), pl.lit(None, pl.String).alias("empty"))
    (tmp_path / "t.csv").write_text(written(frame), encoding="utf-8")
    (tmp_path / "u.csv").write_text(written(wider), encoding="utf-8")
    first = read_source(tmp_path / "t.csv")
    for again in (read(tmp_path / "u.csv"), read_source(tmp_path / "u.csv", formats=first.formats).frame):
        assert again[frame.columns].equals(first.frame)


@pytest.mark.parametrize("ending", ["parquet", "arrow", "json", "jsonl", "npz", "csv", "tsv", "txt", "csv.gz"])
@given(frame=tables())
@settings(FAST, max_examples=15)
def test_what_is_written_is_read_again(tmp_path, ending, frame):
    path = tmp_path / "given.parquet"
    frame.write_parquet(path)
    out = tmp_path / f"out.{ending}"
    write(frame.clear(0) if not frame.height else frame, out, read_source(path))
    found = read(out)
    assert found.columns == frame.columns
    for name in frame.columns:
        given, again = frame[name].to_list(), found[name].to_list()
        if ending == "npz":  # NumPy's whole numbers and text have no gaps
            given = ["" if value is None else str(value) for value in given]
            again = ["" if value is None or value != value else str(value) for value in again]
            if frame[name].dtype not in (pl.String, pl.Date) and frame[name].null_count():
                continue
        if ending.startswith("json") and frame[name].dtype.is_temporal():
            given = [None if value is None else str(value) for value in given]
            again = [None if value is None else str(value).removesuffix(".000000") for value in again]
        assert again == given, name


@given(tables(), st.sampled_from(",;|"))
@FAST
def test_predictions_beside_a_table_leave_its_cells_as_they_were(tmp_path, frame, separator):
    path, out = tmp_path / "t.csv", tmp_path / "out.csv"
    path.write_text(written(frame, separator), encoding="utf-8", newline="")
    source = read_source(path, keep_text=True)
    write(pl.DataFrame({"prediction": np.arange(frame.height) + 0.5}), out, source)
    again = read(out)
    assert again[frame.columns].equals(source.frame)
    assert again["prediction"].to_list() == [i + 0.5 for i in range(frame.height)]


@pytest.mark.parametrize("far", [0, 170, 990])
@pytest.mark.parametrize(
    "cells", [["0.5", "1.25", "3"], ["2024-01-31", "2024-02-01"], ["true", "false"], ["1,5", "2,25"], ["12 kg", "3 kg"]]
)
def test_sparse_columns_are_what_they_are_when_full(tmp_path, cells, far):
    rows = [""] * 1000
    rows[far:] = [cells[i % len(cells)] if i % 7 == 0 else "" for i in range(1000 - far)]
    full, sparse = tmp_path / "full.csv", tmp_path / "sparse.csv"
    full.write_text("n;x\n" + "".join(f"{i};{cell}\n" for i, cell in enumerate(filter(None, rows))))
    sparse.write_text("n;x\n" + "".join(f"{i};{cell}\n" for i, cell in enumerate(rows)))
    assert read(sparse)["x"].drop_nulls().equals(read(full)["x"])


@given(st.lists(st.integers(0, 10**25), min_size=2, max_size=20))
@FAST
def test_whole_numbers_are_exact_or_text(tmp_path, numbers):
    path = tmp_path / "t.csv"
    path.write_text("n,k\n" + "".join(f"{number},a\n" for number in numbers))
    found = read(path)["n"]
    assert [int(value) for value in found.to_list()] == numbers
    assert found.n_unique() == len(set(numbers))
    if max(numbers) < 2**64:
        assert found.dtype.is_integer()


def test_classes_that_differ_in_the_last_digit_stay_apart(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{i / 7},{18000000000000000001 + i % 3}\n" for i in range(40)))
    assert read(path)["y"].n_unique() == 3


@pytest.mark.parametrize("word", MEANT)
@pytest.mark.parametrize("others", [["+"], ["+", "0"], ["yes", "no", "perhaps"]])
def test_a_word_for_missing_values_that_fills_much_of_a_target_is_a_class(tmp_path, word, others):
    path = tmp_path / "t.csv"
    cells = [[word, *others][i % (len(others) + 1)] for i in range(40)]
    path.write_text("x,y\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells)))
    source = read_source(path, targets=["y"])
    assert source.frame["y"].to_list() == cells
    assert any(f"{word!r} fills much of it and is taken for a class" in note for note in source.notes)
    assert read_source(path, formats=source.formats).frame.equals(source.frame)
    assert read_source(path, targets=["y"], missing=[word]).frame["y"].null_count() == cells.count(word)


@pytest.mark.parametrize("word", MISSING)
def test_words_for_missing_values_are_told(tmp_path, word):
    path = tmp_path / "t.csv"
    cells = [word if i == 5 else "a" for i in range(40)]
    path.write_text("x,y,n\n" + "".join(f"{i},{cell},{word if i < 3 else i}\n" for i, cell in enumerate(cells)))
    source = read_source(path, targets=["y"])
    assert source.frame["y"].null_count() == 1
    assert source.frame["n"].null_count() == 3
    assert f"read as missing: {word!r} in 4 cells; missing=[...] (--missing) says which cells are" in source.notes


def test_one_cell_that_is_no_number_is_told_with_file_line_and_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{'oops' if i == 7 else i / 7},{i}\n" for i in range(60)))
    (note,) = read_source(path).notes
    assert note.startswith("'x' is kept as text: one cell of 60 is no number, first 'oops' in line 9; mend or empty")


@pytest.mark.parametrize(("byte", "place"), [(b"\x19", 7), (b"\0", 7), (b"\x01", 59)])
def test_one_control_character_loses_nothing(tmp_path, byte, place):
    rows = [f"{i},word{i}".encode() + (byte if i == place else b"") for i in range(60)]
    path = tmp_path / "t.csv"
    path.write_bytes(b"x,y\n" + b"\n".join(rows) + b"\n")
    frame = read(path)
    assert frame["x"].to_list() == list(range(60))
    assert frame["y"][place] == f"word{place}{byte.decode()}"


@pytest.mark.parametrize("blank", ["", "\n"])
def test_a_title_above_the_header_is_no_column(tmp_path: Path, blank: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Report 2024\n" + blank + "name,value\n" + "".join(f"n{i},{i}\n" for i in range(30)))
    frame = read(path)
    assert frame.columns == ["name", "value"]
    assert frame["value"].to_list() == list(range(30))


def test_the_minus_sign_is_a_minus(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"\u2212{i}.5,{i}\n" for i in range(30)), encoding="utf-8")
    assert read(path)["x"].to_list() == [-i - 0.5 for i in range(30)]


@pytest.mark.parametrize("address", ["https://x.org/a.csv", "s3://bucket/a.parquet"])
def test_addresses_are_told_as_they_are(address: str) -> None:
    with pytest.raises(InputError, match=f"{address} is an address, and nothing is fetched"):
        read(address)


def test_a_view_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backlit.data.files import binary

    monkeypatch.setattr(binary, "SECONDS", 0.1)
    path = tmp_path / "t.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            "SELECT i FROM n WHERE i < 0"
        )
        connection.commit()
    with pytest.raises(InputError, match="can't be read"):
        read(path)
