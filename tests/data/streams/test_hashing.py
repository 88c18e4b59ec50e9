"""Hashes of rows: of every type, the same in whatever pieces they come."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from backlit.data.streams import hashing, open_table, understand

ROWS = 240
NUMBERS = np.random.default_rng(0).integers(0, 100, ROWS).tolist()
DAYS = [datetime.datetime(2024, 1, 1 + number // 24, number % 24) for number in NUMBERS]  # noqa: DTZ001 (columns)
TYPES: dict[str, tuple[list[Any], Any]] = {
    "list": ([[float(n)] * (n % 4) if n % 5 else None for n in NUMBERS], pl.List(pl.Float64)),
    "lists of lists": ([[[n, 2], []] for n in NUMBERS], pl.List(pl.List(pl.Int64))),
    "list of text": ([[str(n), None] for n in NUMBERS], pl.List(pl.String)),
    "array": ([[n, n + 1] for n in NUMBERS], pl.Array(pl.Float32, 2)),
    "matrix": ([[[n, 2], [3, n]] for n in NUMBERS], pl.Array(pl.Int8, (2, 2))),
    "struct": ([{"a": n, "b": str(n)} for n in NUMBERS], pl.Struct({"a": pl.Int64, "b": pl.String})),
    "binary": ([bytes([255, n]) if n % 5 else None for n in NUMBERS], pl.Binary()),
    "text": ([f"ж{n}" if n % 5 else None for n in NUMBERS], pl.String()),
    "category": ([str(n) for n in NUMBERS], pl.Categorical()),
    "enum": ([str(n % 3) for n in NUMBERS], pl.Enum(["0", "1", "2"])),
    "decimal": ([f"{n}.25" for n in NUMBERS], pl.Decimal(10, 2)),
    "boolean": ([n % 2 == 0 for n in NUMBERS], pl.Boolean()),
    "datetime": (DAYS, pl.Datetime("us")),
    "date": ([day.date() for day in DAYS], pl.Date()),
    "time": ([day.time() for day in DAYS], pl.Time()),
    "duration": ([datetime.timedelta(hours=n) for n in NUMBERS], pl.Duration("ms")),
    "null": ([None] * ROWS, pl.Null()),
    "int128": (NUMBERS, pl.Int128()),
}


def column(kind: str) -> pl.Series:
    values, dtype = TYPES[kind]
    if kind == "decimal":
        return pl.Series("z", values).cast(dtype)
    return pl.Series("z", values, dtype=dtype)


@pytest.mark.parametrize("kind", TYPES)
def test_equal_values_have_equal_hashes_and_others_others(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = column(kind)
    hashes = hashing.of_column(values)
    told = values.to_list()
    assert len(np.unique(hashes)) == len({repr(value) for value in told})
    monkeypatch.setattr(hashing, "AT_ONCE", 7)
    np.testing.assert_array_equal(hashing.of_column(values), hashes)
    np.testing.assert_array_equal(hashing.of_column(values[100:130]), hashes[100:130])


def test_lists_that_hold_the_same_in_another_order_or_type() -> None:
    first = hashing.of_column(pl.Series([[1, 2], [2, 1], [1], [1, 1], [], None]))
    assert len(np.unique(first)) == 6
    other = pl.Series([[1.0, 2.0], [2.0, 1.0], [1.0], [1.0, 1.0], [], None], dtype=pl.List(pl.Float32))
    np.testing.assert_array_equal(hashing.of_column(other), first)


def test_a_text_is_hashed_as_the_sum_that_is_documented() -> None:
    total = sum((byte + 1) * pow(hashing.LETTER, place + 1, 2**64) for place, byte in enumerate(b"Seoul")) % 2**64
    expected = hashing.mixed(np.array([total], np.uint64))
    np.testing.assert_array_equal(hashing.of_column(pl.Series(["Seoul"])), expected ^ (expected >> np.uint64(32)))


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "int128"])
def test_a_table_with_a_column_of_any_type_is_streamed(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({"x": rng.normal(size=ROWS), "z": column(kind), "y": rng.normal(size=ROWS)})
    if kind == "null":
        frame = frame.drop("z")
    frame.write_parquet(tmp_path / "t.parquet")
    found = understand(open_table(tmp_path / "t.parquet"), "y")
    assert found.rows == ROWS
    assert "x" in {each.name for each in found.preparation.columns if each.inputs}
