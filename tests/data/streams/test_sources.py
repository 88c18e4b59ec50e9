"""The same rows come from every source, whatever holds them."""

import gzip
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from backlit.data.streams import as_stream, is_stream, open_table, parts, understand


def frame(rows: int = 2500) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    texts = ['plain, with "quotes"' if value > 0.5 else "two\nlines" for value in rng.random(rows)]
    return pl.DataFrame({"a": np.arange(rows), "b": rng.normal(size=rows), "note": texts, "y": rng.normal(size=rows)})


def rows(table: Any) -> pl.DataFrame:
    return pl.concat(list(table.frames()), how="vertical_relaxed")


@pytest.mark.slow
def test_text_with_line_ends_in_quotes_is_cut_between_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backlit.data.streams.packed.SIZE", 997)
    frame().write_csv(tmp_path / "t.csv")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    for name in ("t.csv", "t.csv.gz"):
        table = open_table(tmp_path / name)
        found = understand(table, "y")
        assert rows(table).equals(frame())
        block = next(iter(found.train.batches(0)))
        line = int(block.where(0).rpartition(" ")[2])
        before = frame()[: block.x["a"][0]]["note"].to_list()
        assert line == 2 + sum(1 + note.count("\n") for note in before)
        every = [value for shard in range(3) for b in found.train.batches(1, shard, 3) for value in b.y.tolist()]
        assert len(every) == len(set(every)) == found.train.rows


def test_folders_name_columns(tmp_path: Path) -> None:
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
        frame(600).write_parquet(tmp_path / f"year={year}" / "part.parquet")
    (tmp_path / "_SUCCESS").touch()
    table = open_table(tmp_path)
    assert table.rows == 1200
    assert rows(table)["year"].value_counts().sort("year").rows() == [(2023, 600), (2024, 600)]
    assert "year" in understand(table, "y").preparation.names


def test_arrows_data_sets_and_hugging_faces(tmp_path: Path) -> None:
    pads = pytest.importorskip("pyarrow.dataset")
    datasets = pytest.importorskip("datasets")
    frame().write_parquet(tmp_path / "t.parquet")
    frame().write_csv(tmp_path / "t.csv")
    whole = datasets.Dataset.from_dict(frame().to_dict(as_series=False))
    sources = [pads.dataset(tmp_path / "t.parquet"), pads.dataset(tmp_path / "t.csv", format="csv"), whole]
    sources.append(whole.to_iterable_dataset())
    for source in sources:
        table = open_table(source)
        assert rows(table)["b"].to_numpy() == pytest.approx(frame()["b"].to_numpy(), rel=1e-12)
        assert understand(table, "y").rows == 2500
        assert is_stream(source)
    blocks = list(as_stream(whole, inputs=["a", "b"], target="y").batches(0))
    assert sorted(y for block in blocks for y in block.y.tolist()) == sorted(frame()["y"].to_list())
    assert blocks[0].x.shape[1:] == (2,)


def test_functions_of_frames_and_of_blocks() -> None:
    table = open_table(lambda: iter([frame()[:1000], frame()[1000:]]))
    found = understand(table, "y")
    assert rows(table).equals(frame())
    assert sum(len(block.y) for block in found.train.batches(0)) == found.train.rows

    def blocks() -> Any:
        yield np.arange(10.0)[:, None], np.arange(10)
        yield np.arange(10.0, 15.0)[:, None], np.arange(10, 15)

    shared = [[int(v) for b in as_stream(blocks).batches(0, s, 4) for v in b.y] for s in range(4)]
    assert sorted(itertools.chain(*shared)) == list(range(15))


def test_arrays_on_disk(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert rows(open_table(tmp_path / "x.npy")).columns == ["x1", "x2", "x3"]
    assert (rows(open_table(mapped)).to_numpy() == x).all()
    stream = as_stream(mapped, np.arange(5000))
    shared = parts(stream, validation=0.2, test=0.1)
    owned = [[int(v) for b in part.batches(0) for v in b.y] for part in (shared.train, shared.validation, shared.test)]
    assert sorted(owned[0] + owned[1] + owned[2]) == list(range(5000))
    assert abs(len(owned[1]) - 1000) < 120
    for block in stream.batches(3):
        assert (x[block.y] == block.x).all()


def test_parts_of_any_stream_hold_to_what_rows_are() -> None:
    def blocks(epoch: int) -> Any:
        order = np.random.default_rng(epoch).permutation(2000)
        yield order[:, None].astype(float), order

    shared = parts(as_stream(blocks), validation=0.3)
    first, again, held = (
        {int(v) for b in part.batches(epoch) for v in b.y}
        for part, epoch in ((shared.train, 0), (shared.train, 5), (shared.validation, 9))
    )
    assert first == again
    assert first | held == set(range(2000))
    assert not first & held
