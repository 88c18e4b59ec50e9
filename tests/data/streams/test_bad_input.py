"""Files that can't be read as one table, damaged ones, ones that change: what is said of them."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from backlit.data.streams import as_stream, open_table, understand
from backlit.errors import InputError, ShapeError


def table(rows: int = 300, **columns: Any) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame({"a": rng.normal(size=rows), "y": rng.normal(size=rows)} | columns)


def opened_with(data: Any, target: str | None) -> None:
    opened = open_table(data)
    if target is not None:
        understand(opened, target)


def refused(message: str, data: Any, target: str | None = None) -> None:
    with pytest.raises(InputError) as caught:
        opened_with(data, target)
    assert message in str(caught.value), str(caught.value)


def test_paths_that_mean_nothing(tmp_path: Path) -> None:
    refused(f"no file matches '{tmp_path}/*.parquet'", f"{tmp_path}/*.parquet")
    refused("is a folder without a table in it (known: .csv, .tsv, .parquet, .arrow, .npy)", tmp_path)
    refused("the list is empty", [])
    table().write_parquet(tmp_path / "houses.parquet")
    refused(
        f"there is no file {tmp_path}/house.parquet; did you mean {tmp_path}/houses.parquet?",
        tmp_path / "house.parquet",
    )
    refused("is an address, and nothing is fetched from elsewhere", "https://example.org/a.parquet")
    refused("expected paths of files, got 3", [3])
    (tmp_path / "empty.parquet").touch()
    refused("empty.parquet is empty", tmp_path / "empty.parquet")
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    refused("a.xlsx can't be read in pieces, as data larger than memory is; save it as Parquet", tmp_path / "a.xlsx")
    (tmp_path / "a.parquet.gz").write_bytes(b"\x1f\x8b")
    refused("of compressed files only text is read in pieces; unpack it first", tmp_path / "a.parquet.gz")


def test_files_that_make_no_one_table(tmp_path: Path) -> None:
    table().write_parquet(tmp_path / "a.parquet")
    table(b=pl.Series([1] * 300)).write_parquet(tmp_path / "b.parquet")
    refused(
        f"b.parquet has 'b' as well: files that are read as one table must have the columns of {tmp_path}/a.parquet",
        tmp_path,
    )
    table().drop("a").write_parquet(tmp_path / "b.parquet")
    refused("b.parquet lacks 'a'", tmp_path)
    table().with_columns(pl.col("a").cast(str)).write_parquet(tmp_path / "b.parquet")
    refused(
        f"column 'a' holds String in {tmp_path}/b.parquet, but Float64 in {tmp_path}/a.parquet: make it one type",
        tmp_path,
    )
    table().write_csv(tmp_path / "b.csv")
    refused(
        "b.csv is csv: files that are read as one table must be of one kind",
        [tmp_path / "a.parquet", tmp_path / "b.csv"],
    )
    table().rename({"a": "c"}).write_csv(tmp_path / "c.csv")
    refused("c.csv lacks 'a': files that are read as one table must have the columns of", f"{tmp_path}/*.csv")


def test_damaged_and_empty_files(tmp_path: Path) -> None:
    table().write_parquet(tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(data[: len(data) // 2])
    refused("a.parquet can't be read as Parquet", tmp_path / "a.parquet")
    table(0).write_parquet(tmp_path / "none.parquet")
    refused("none has no rows", tmp_path / "none.parquet")
    (tmp_path / "none.csv").write_text("a,y\n")
    refused("none.csv has a header but no rows", tmp_path / "none.csv")
    (tmp_path / "short.csv").write_text("a,y\n" + "1,2\n" * 50 + "3\n")
    refused("short.csv, line 52: 1 value, but the header has 2 columns", tmp_path / "short.csv", "y")
    packed = gzip.compress(table(20_000).write_csv().encode())
    (tmp_path / "cut.csv.gz").write_bytes(packed[: len(packed) - 30_000])
    refused("cut.csv.gz can't be decompressed", tmp_path / "cut.csv.gz", "y")
    (tmp_path / "wide.csv").write_bytes("a,y\n1,2\n3,4\n".encode("utf-16"))
    refused("wide.csv is UTF-16 (little-endian), which isn't read in pieces; save it as UTF-8", tmp_path / "wide.csv")
    (tmp_path / "old.csv").write_bytes(b"a,y\r1,2\r3,4\r")
    refused("ends its lines by \\r alone; save it with \\n to have it read in pieces", tmp_path / "old.csv")


def test_targets_that_teach_nothing() -> None:
    refused("unknown column 'z'", table(), "z")
    refused("target 'b' is 1 in every row: there is nothing to learn", table(b=[1] * 300), "b")
    refused("target 'b': every value is missing", table(b=pl.Series([None] * 300, dtype=pl.Float64)), "b")
    names = [f"n{value}" for value in range(12_000)]
    refused("target 'b' has more than 10,000 different values: too many for classes", table(12_000, b=names), "b")
    refused("no column is left to learn from", pl.DataFrame({"a": ["x"] * 300, "y": range(300)}), "y")


def test_a_file_that_changes_is_noticed_at_the_next_epoch(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table().write_parquet(path)
    found = understand(open_table(path), "y")
    assert sum(len(block.y) for block in found.train.batches(0)) == found.train.rows
    table(400).write_parquet(path)
    with pytest.raises(InputError, match=r"a.parquet has changed since its columns were understood .* bytes then"):
        next(iter(found.train.batches(1)))
    path.unlink()
    with pytest.raises(
        InputError, match=r"a.parquet can't be read any more: No such file or directory; data must stay"
    ):
        next(iter(found.train.batches(1)))


def test_what_can_be_read_but_once_is_refused() -> None:
    frames = (table() for _ in range(2))
    refused(
        "a generator gives its frames once, but each epoch reads them anew: give the function that makes it", frames
    )
    with pytest.raises(InputError, match="a generator gives its blocks once, but each epoch reads them anew"):
        as_stream(frames)
    calls = iter([[table()], [table()], [table()], [table()[:100]]])
    found = understand(open_table(lambda: next(calls)), "y")
    with pytest.raises(InputError, match="gives other rows than in its first pass"):
        list(found.train.batches(0))
    refused("gives int; expected a function that yields data frames", lambda: 3)


def test_blocks_of_other_shapes_are_refused() -> None:
    for blocks, message in (
        ([np.zeros(3)], "block 0 of .* is a ndarray; expected .x, y. or .x, y, weights."),
        ([(np.zeros(3),)], "block 0 of .* is a tuple of 1; expected"),
    ):
        with pytest.raises(InputError, match=message):
            list(as_stream(lambda blocks=blocks: blocks).batches(0))
    with pytest.raises(ShapeError, match="x has 3 rows, y 2"):
        list(as_stream(lambda: [(np.zeros(3), np.zeros(2))]).batches(0))
    with pytest.raises(InputError, match="gives float; expected a function that yields blocks"):
        list(as_stream(lambda: 1.0).batches(0))
    with pytest.raises(ShapeError, match="arrays that are read together need as many rows each, got x 3, y 2"):
        as_stream(np.zeros((3, 1)), np.zeros(2))
    with pytest.raises(InputError, match="a function gives targets with its inputs; leave out y"):
        as_stream(lambda: iter(()), np.zeros(3))
