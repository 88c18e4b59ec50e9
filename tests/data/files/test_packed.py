"""Compressed files, archives, pipes and standard input; formats of other programs, held against their libraries."""

import bz2
import csv
import gzip
import io
import json
import lzma
import math
import os
import sqlite3
import sys
import threading
import zipfile

import numpy as np
import pandas
import polars as pl
import pytest
import zstandard
from scipy.io import arff
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from backlit.data import read, read_source
from backlit.data.files.kinds import UNREAD, is_table
from backlit.errors import InputError, UnknownNameError

TABLE = b"a,b\n1,x\n2,y\n"
ROWS = [(1, "x"), (2, "y")]


def zipped(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return file.getvalue()


PACKED = {
    "gz": gzip.compress(TABLE),
    "bz2": bz2.compress(TABLE),
    "xz": lzma.compress(TABLE),
    "zst": zstandard.compress(TABLE),
    "zip": zipped(t_csv=TABLE),
}


@pytest.mark.parametrize("ending", PACKED)
def test_compressed_tables(tmp_path, ending):
    path = tmp_path / f"t.csv.{ending}"
    path.write_bytes(PACKED[ending])
    assert read(path).rows() == ROWS
    path.write_bytes(PACKED[ending][:-8])
    with pytest.raises(InputError, match=r"can't be decompressed: .*; is it damaged\?"):
        read(path)
    path.write_bytes(TABLE)
    with pytest.raises(InputError, match="can't be decompressed"):
        read(path)


def test_the_format_of_what_is_compressed(tmp_path):
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    frame.write_parquet(tmp_path / "t.parquet")
    (tmp_path / "u.parquet.xz").write_bytes(lzma.compress((tmp_path / "t.parquet").read_bytes()))
    assert read_source(tmp_path / "u.parquet.xz").format == "parquet"
    (tmp_path / "u.zip").write_bytes(zipped(t_tsv=b"a\tb\n1\tx, y\n"))
    assert read(tmp_path / "u.zip").rows() == [(1, "x, y")]


def test_archives_of_several_files(tmp_path):
    path = tmp_path / "t.zip"
    path.write_bytes(zipped(a_csv=TABLE, b_csv=b"c\n5\n"))
    with pytest.raises(InputError, match=r"holds 2 files \(a\.csv, b\.csv\); say which: .*t\.zip::NAME"):
        read(path)
    assert read(f"{path}::b.csv").rows() == [(5,)]
    with pytest.raises(UnknownNameError, match=r"did you mean 'b\.csv'"):
        read(f"{path}::b.cvs")
    path.write_bytes(zipped())
    with pytest.raises(InputError, match="holds no file"):
        read(path)


def test_reading_zstandard_needs_a_package(tmp_path, monkeypatch):
    (tmp_path / "t.csv.zst").write_bytes(PACKED["zst"])
    monkeypatch.setitem(sys.modules, "zstandard", None)
    if sys.version_info < (3, 14):
        with pytest.raises(InputError, match=r"needs another package: pip install 'backlit\[zstd\]'"):
            read(tmp_path / "t.csv.zst")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("data", [TABLE, PACKED["gz"], PACKED["bz2"]], ids=["text", "gz", "bz2"])
def test_pipes(tmp_path, data):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    assert read(pipe).rows() == ROWS
    writer.join()


@pytest.mark.parametrize("kind", ["text", "parquet", "gz"])
def test_standard_input(monkeypatch, kind):
    data = io.BytesIO()
    pl.DataFrame(ROWS, schema=["a", "b"], orient="row").write_parquet(data)
    given = {"text": TABLE, "parquet": data.getvalue(), "gz": PACKED["gz"]}[kind]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    assert read("-").rows() == ROWS
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(InputError, match="standard input is empty"):
        read("-")


@pytest.mark.parametrize("ending", UNREAD)
def test_what_is_not_read_is_told_truly(tmp_path, ending):
    path = tmp_path / f"t{ending}"
    path.write_bytes(gzip.compress(TABLE))
    with pytest.raises(InputError, match=rf"isn't read: \{ending} is "):
        read(path)


def test_names_of_tables():
    assert all(map(is_table, ["t.csv", "t.CSV.GZ", "t.dat", "t.xlsx", "t.json", "a.db::t", "t.zip", "-"]))
    assert not any(map(is_table, ["t.txt", "t", "t.md", "iris"]))


# ------------------------------------------------------------------------------------------------ JSON

RECORDS = [{"a": 1, "b": "x"}, {"b": None, "a": 2.5}, {"a": None, "c": True}]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_lists_of_objects(tmp_path, indent, ending):
    path = tmp_path / f"t.{ending}"
    path.write_text(json.dumps(RECORDS, indent=indent))
    assert read(path).rows() == [(1.0, "x", None), (2.5, None, None), (None, None, True)]


@pytest.mark.parametrize("orient", ["records", "list", "columns"])
def test_json_of_pandas(tmp_path, orient):
    frame = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    path = tmp_path / "t.json"
    if orient == "list":
        path.write_text(json.dumps(frame.to_dict("list")))
    else:
        frame.to_json(path, orient=orient)
    assert read(path).rows() == ROWS


def test_json_lines_with_nan_and_large_numbers(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": NaN, "n": 18000000000000000001}\n{"a": 1.5, "n": 18000000000000000002}\n')
    assert read(path).rows() == [(None, 18000000000000000001), (1.5, 18000000000000000002)]
    path.write_text('{"n": 123456789012345678901234567890}\n{"n": 123456789012345678901234567891}\n')
    assert read(path)["n"].n_unique() == 2
    path.write_text("[" * 100_000)
    with pytest.raises(InputError, match="is nested: it has 100,000 levels, the limit is 100"):
        read(path)


# ------------------------------------------------------------------------------------------------ NumPy, SQLite


@pytest.mark.parametrize("array", [np.arange(3), np.arange(6.0).reshape(3, 2), np.array(["가", "나"])])
def test_npy(tmp_path, array):
    np.save(tmp_path / "t.npy", array)
    frame = read(tmp_path / "t.npy")
    assert np.array_equal(frame.to_numpy().squeeze(), array)
    assert frame.columns == (["x"] if array.ndim == 1 else ["x1", "x2"])


def test_no_npy(tmp_path):
    path = tmp_path / "t.npy"
    np.save(path, np.array([object()]), allow_pickle=True)
    with pytest.raises(InputError, match=r"can't be read as \.npy"):
        read(path)
    np.save(path, np.zeros((2, 2, 2)))
    with pytest.raises(InputError, match="has shape"):
        read(path)


def test_sqlite_tables_are_read_as_pandas_reads_them(tmp_path):
    path = tmp_path / "t.sqlite"
    frame = pandas.DataFrame({"n": [1, 2, 2**40], "x": [0.5, None, 1.5], "s": ["가", None, "z"]})
    connection = sqlite3.connect(path)
    frame.to_sql("my table", connection, index=False)
    theirs = pandas.read_sql('SELECT * FROM "my table"', connection)
    assert read(path).rows() == [
        tuple(None if isinstance(v, float) and math.isnan(v) else v for v in row)
        for row in theirs.astype(object).where(theirs.notna(), None).itertuples(index=False, name=None)
    ]
    connection.execute("CREATE TABLE other (a)")
    connection.executemany("INSERT INTO other VALUES (?)", [(1,), ("x",), (None,)])
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match=r"holds 2 tables \(my table, other\); say which: .*::TABLE"):
        read(path)
    assert read(f"{path}::other").rows() == [("1",), ("x",), (None,)]
    with pytest.raises(UnknownNameError, match="did you mean 'other'"):
        read(f"{path}::othr")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match="can't be read as SQLite"):
        read(f"{path}::other")


def test_sheets(tmp_path):
    path = tmp_path / "t.xlsx"
    with pandas.ExcelWriter(path, engine="xlsxwriter") as writer:
        for sheet, value in (("one", 1), ("둘", 2)):
            pandas.DataFrame({"a": [value]}).to_excel(writer, sheet_name=sheet, index=False)
    assert read(path).rows() == [(1,)]
    assert read(f"{path}::둘").rows() == [(2,)]
    with pytest.raises(UnknownNameError, match="unknown sheet"):
        read(f"{path}::three")


def test_avro(tmp_path):
    frame = pl.DataFrame(ROWS, schema=["a", "b"], orient="row")
    frame.write_avro(tmp_path / "t.avro")
    assert read(tmp_path / "t.avro").equals(frame)


# ------------------------------------------------------------------------------------------------ ARFF, libsvm

ARFF = """% about
@relation weather
@attribute outlook {sunny, rainy}
@attribute temperature numeric
@attribute humidity integer
@attribute play {yes, no}
@data
sunny, 85.5, 85, no
rainy, ?, 90, yes
?, 70, 65, yes
"""


def test_arff_is_read_as_scipy_reads_it(tmp_path):
    path = tmp_path / "t.arff"
    path.write_text(ARFF)
    limit = csv.field_size_limit()
    theirs, about = arff.loadarff(path)
    csv.field_size_limit(limit)  # SciPy raises it for the whole process
    frame = read(path)
    assert frame.columns == about.names()
    assert frame["outlook"].to_list() == ["sunny", "rainy", None]
    np.testing.assert_array_equal(frame["temperature"].to_numpy(), theirs["temperature"])
    assert frame["humidity"].to_list() == [85, 90, 65]
    path.write_text(ARFF.replace("numeric", "string"))
    with pytest.raises(InputError, match="can't be read as ARFF: String attributes"):
        read(path)


def test_libsvm_is_read_as_scikit_learn_reads_it(tmp_path, rng):
    path = tmp_path / "t.libsvm"
    x = rng.normal(size=(7, 4)).round(3) * (rng.random((7, 4)) < 0.5)
    dump_svmlight_file(x, rng.integers(0, 2, 7), str(path), zero_based=False)
    theirs = load_svmlight_file(str(path))
    frame = read(path)
    np.testing.assert_array_equal(frame.drop("target").to_numpy(), theirs[0].toarray())
    np.testing.assert_array_equal(frame["target"].to_numpy(), theirs[1])
    path.write_text("no libsvm\n")
    with pytest.raises(InputError, match="can't be read as libsvm's rows"):
        read(path)
