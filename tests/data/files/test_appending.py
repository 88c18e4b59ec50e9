"""Tables written a part at a time: whole at the end, or not there at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from backlit.data.files import Source
from backlit.data.files.appending import appending
from backlit.data.streams import open_table
from backlit.data.streams.sources import sources
from backlit.errors import InputError
from backlit.files import writing


def part(**columns: list[Any]) -> Source:
    return Source(pl.DataFrame(columns), Path("t.parquet"), "parquet")


ADDED = pl.DataFrame({"prediction": [0.5, 1.5]})


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_parts_whose_types_differ_are_put_together(tmp_path: Path, ending: str) -> None:
    with appending(tmp_path / f"p.{ending}") as add:
        add(ADDED, part(a=[1, 2], b=["x", "y"], c=[1, 2]))
        add(ADDED, part(a=[1.5, 2.5], b=[True, False], c=[None, None]))
    read = pl.read_parquet if ending == "parquet" else pl.read_ipc
    written = read(tmp_path / f"p.{ending}")
    assert written["a"].to_list() == [1.0, 2.0, 1.5, 2.5]
    assert written["b"].to_list() == ["x", "y", "true", "false"]
    assert written["c"].to_list() == [1, 2, None, None]
    assert written["prediction"].to_list() == [0.5, 1.5] * 2
    assert [file.name for file in tmp_path.iterdir()] == [f"p.{ending}"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_is_left_where_writing_was_broken_off(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), appending(tmp_path / "p.parquet") as add:  # noqa: PT012
        add(ADDED, part(a=[1, 2]))
        raise error
    assert not list(tmp_path.iterdir())


def test_what_a_killed_writer_left_is_swept_and_what_anothers_has_stays(tmp_path: Path) -> None:
    for name in (".p.parquet.0123abcd", ".p.parquet.0123abcd.0", ".p.parquet.01234567.12", ".q.parquet.0123abcd.0"):
        (tmp_path / name).write_bytes(b"left")
    with writing(tmp_path / "p.parquet") as other:
        Path(f"{other}.3").write_bytes(b"at work")
        with appending(tmp_path / "p.parquet") as add:
            add(ADDED, part(a=[1, 2]))
        assert sorted(tmp_path.iterdir()) == sorted(
            [tmp_path / "p.parquet", tmp_path / ".q.parquet.0123abcd.0", other, Path(f"{other}.3")]
        )
        other.write_bytes(b"")
    Path(f"{other}.3").unlink()


def test_parquet_isnt_compressed_once_more(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="parquet isn't compressed once more in parts"):  # noqa: SIM117
        with appending(tmp_path / "p.parquet.gz") as add:
            add(ADDED, part(a=[1, 2]))


def test_files_whose_types_differ_are_read_in_one(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1, 2], "b": [None, None]}).write_parquet(tmp_path / "0.parquet")
    pl.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]}).write_parquet(tmp_path / "1.parquet")
    table = open_table(tmp_path)
    assert dict(table.schema) == {"a": pl.Float64, "b": pl.String}
    assert {tuple(source.frame.schema.items()) for source in sources(table)} == {tuple(table.schema.items())}
    assert table.read(table.pieces[0], ["a"])["a"].to_list() == [1.0, 2.0]
