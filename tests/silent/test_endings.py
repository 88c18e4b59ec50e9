"""A file's ending tells what is in it, whoever wrote it."""

import bz2
import json
import lzma

import numpy as np
import polars as pl
import pytest

from backlit.data import read, read_source
from backlit.data.files.kinds import UNREAD
from backlit.data.files.writing import WRITABLE, write
from backlit.errors import InputError

FRAME = pl.DataFrame({"a": [1, 2], "b": ["x, y", "z"], "c": [0.5, None]})
NEW = pl.DataFrame({"p": [0.25, 0.75]})
STARTS = {".parquet": b"PAR1", ".arrow": b"ARROW1", ".npz": b"PK", ".xlsx": b"PK", ".avro": b"Obj\x01"}


@pytest.fixture(params=["parquet", "csv", "jsonl", "arrow", "sqlite", "npz"])
def source(request, tmp_path):
    path = tmp_path / f"given.{request.param}"
    if request.param == "sqlite":
        import sqlite3

        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT, c REAL)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", FRAME.rows())
        connection.commit()
        connection.close()
    elif request.param == "npz":
        np.savez(path, **{name: FRAME[name].to_numpy().astype("U" if name == "b" else float) for name in FRAME.columns})
    else:
        {"parquet": FRAME.write_parquet, "csv": FRAME.write_csv, "jsonl": FRAME.write_ndjson,
         "arrow": FRAME.write_ipc}[request.param](path)  # fmt: skip
    return read_source(path, keep_text=True)


@pytest.mark.parametrize("ending", WRITABLE)
def test_the_ending_of_the_new_file_decides(source, tmp_path, ending):
    out = tmp_path / f"out{ending}"
    write(NEW, out, source)
    data = out.read_bytes()
    assert data.startswith(STARTS.get(ending, b"")), ending
    if ending in (".csv", ".tsv", ".json", ".jsonl"):
        text = data.decode()
        separator = {".csv": ",", ".tsv": "\t"}.get(ending)
        assert separator is None or text.splitlines()[0] == separator.join(["a", "b", "c", "p"])
        assert separator or json.loads(text if ending == ".json" else text.splitlines()[0])
    expected = source.frame.with_columns(NEW)
    found = read(out).cast(dict(expected.schema))
    assert found.fill_nan(None).equals(expected.fill_nan(None))
    assert read(out)["p"].to_list() == [0.25, 0.75]


@pytest.mark.parametrize(("ending", "unpack"), [(".bz2", bz2.decompress), (".xz", lzma.decompress)])
def test_compressed_files(source, tmp_path, ending, unpack):
    out = tmp_path / f"out.csv{ending}"
    write(NEW, out, source)
    assert unpack(out.read_bytes()).startswith(b"a,b,c,p")


@pytest.mark.parametrize("ending", [*UNREAD, ".sqlite", ".npy", ".arff", ".zip", ".csv.zst"])
def test_what_is_not_written_is_refused(source, tmp_path, ending):
    with pytest.raises(InputError, match="written"):
        write(NEW, tmp_path / f"out{ending}", source)
    assert not (tmp_path / f"out{ending}").exists()


def test_a_name_without_an_ending_is_written_as_the_table_was(source, tmp_path):
    write(NEW, tmp_path / "out", source)
    data = (tmp_path / "out").read_bytes()
    assert data.startswith({"parquet": b"PAR1", "arrow": b"ARROW1", "npz": b"PK"}.get(source.format, b""))


def test_bytes_never_go_into_what_is_called_text(source, tmp_path):
    for name in ("out.txt", "out.dat", "out.foo"):
        write(NEW, tmp_path / name, source)
        (tmp_path / name).read_text()
