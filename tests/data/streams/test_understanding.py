"""One streamed pass learns what a table in memory learns."""

from pathlib import Path

import polars as pl
import pytest

from backlit.data.streams import open_table
from tests.data.streams.tables import mixed, understood


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    table = mixed()
    table.write_parquet(folder / "t.parquet", row_group_size=700)
    table.write_ipc(folder / "t.arrow")
    table.write_csv(folder / "t.csv")
    return folder


@pytest.mark.parametrize("target", ["price", "sold", "rooms"])
@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.csv"])
def test_every_kind_of_column_is_learned_as_in_memory(folder: Path, name: str, target: str) -> None:
    found = understood(open_table(folder / name), target, folder / name)
    kinds = {row["column"]: row["kind"] for row in found.preparation.rows()}
    assert kinds["row"] == kinds["user_id"] == "identifier"
    assert (kinds["seen"], kinds["note"], kinds["nothing"]) == ("date", "text", "empty")
    assert found.rows == found.train.rows + found.validation.rows + found.test.rows == 3000


@pytest.mark.slow
def test_pieces_of_any_size_tell_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = understood(open_table(folder / "t.csv"), "price", folder / "t.csv")
    monkeypatch.setattr("backlit.data.streams.packed.SIZE", 5000)
    table = open_table(folder / "t.csv")
    small = understood(table, "price", folder / "t.csv")
    assert len(table.pieces or []) > 50
    assert small.train.rows == whole.train.rows
    assert small.sample.equals(whole.sample)


def test_a_frame_in_memory_is_a_table_too(folder: Path) -> None:
    table = mixed()
    assert understood(open_table(table), "price").rows == understood(open_table(table.lazy()), "price").rows == 3000
    assert isinstance(next(open_table(table).frames(["size"])), pl.DataFrame)
