"""How much room pieces take: bounded by bytes, however large their rows are."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from backlit.data.streams import hashing, open_table, understand
from backlit.data.streams.arrays import WINDOW, ArrayStream
from backlit.data.streams.table import LARGE

ROWS = 6000
BYTES = 768 * 8


@pytest.fixture
def embeddings(monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """Rows of 6 kB, which are called a list each."""
    monkeypatch.setattr("backlit.data.streams.table.LARGE", 256 * BYTES)
    monkeypatch.setattr("backlit.data.streams.table.FIRST", 256 * BYTES)
    values = np.random.default_rng(0).normal(size=(ROWS, 768))
    lists = pl.Series("z", values, dtype=pl.Array(pl.Float64, 768)).cast(pl.List(pl.Float64))
    return pl.DataFrame({"x": values[:, 0], "z": lists, "y": values[:, 1]})


def frames(table: pl.DataFrame) -> Any:
    def blocks() -> Any:
        yield table[:10]
        yield table[10:]

    return blocks


@pytest.mark.parametrize("source", ["parquet", "frame", "function"])
def test_pieces_of_long_lists_have_few_rows(source: str, embeddings: pl.DataFrame, tmp_path: Path) -> None:
    if source == "parquet":
        embeddings.write_parquet(tmp_path / "t.parquet", compression="uncompressed")
    data = {"parquet": tmp_path / "t.parquet", "frame": embeddings, "function": frames(embeddings)}[source]
    table = open_table(data)
    sizes = [frame.height for _, frame in table.scan()]
    assert sum(sizes) == ROWS
    assert 200 < max(sizes) <= 256
    assert table.head(20_000).height <= 300
    part = understand(table, "y").train
    assert max(len(block.y) for block in part.batches(0)) <= 2 * 256


def test_rows_of_pictures_are_read_some_at_a_time() -> None:
    pictures = np.broadcast_to(np.float32(0), (5000, 224, 224, 3))
    stream = ArrayStream(pictures, np.zeros(5000))
    block = next(iter(stream.batches(0)))
    assert len(block.y) > WINDOW
    assert block.x.nbytes <= WINDOW * LARGE


def test_hashes_of_texts_take_little_more_room_than_the_texts() -> None:
    texts = pl.Series(["x" * 1000] * 16_000)
    hashing.of_column(texts[:10])
    tracemalloc.start()
    try:
        hashing.of_column(texts)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * 16e6
