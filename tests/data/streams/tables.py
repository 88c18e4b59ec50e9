"""Tables for the tests: of every kind of column, and how a table in memory would be prepared."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from backlit.data.files import read_source
from backlit.data.streams import Understanding, understand
from backlit.data.streams.table import StreamedTable
from backlit.data.table import TablePreparation, TableTarget


def mixed(rows: int = 3000, seed: int = 0) -> pl.DataFrame:
    """Numbers with and without gaps, long tails, levels, dates, text, identifiers, constants."""
    rng = np.random.default_rng(seed)
    size = rng.normal(100, 15, rows)
    days = rng.integers(0, 900, rows)
    gaps = rng.random(rows) < 0.1
    return pl.DataFrame(
        {
            "row": np.arange(rows),
            "size": size,
            "income": np.exp(rng.normal(0, 3, rows)),
            "rooms": rng.integers(1, 9, rows),
            "age": [None if gap else float(value) for gap, value in zip(gaps, rng.integers(18, 90, rows), strict=True)],
            "colour": rng.choice(["red", "green", "blue"], rows, p=[0.6, 0.35, 0.05]).tolist(),
            "town": [f"town {int(value)}" for value in rng.zipf(1.6, rows).clip(max=200)],
            "new": (rng.random(rows) < 0.3).tolist(),
            "seen": [
                None if day % 17 == 0 else f"20{20 + day // 365:02}-{day % 365 // 31 + 1:02}-{day % 28 + 1:02}"
                for day in days
            ],
            "user_id": [f"u{value:06}" for value in rng.permutation(rows)],
            "always": ["x"] * rows,
            "nothing": [None] * rows,
            "note": [
                f"some long text that nobody wrote {value} times and more words" for value in rng.integers(0, 999, rows)
            ],
            "price": (size * 3 + rng.normal(0, 5, rows)).round(2),
            "sold": rng.choice(["yes", "no"], rows).tolist(),
        }
    )


def in_memory(found: Understanding, raw: pl.DataFrame, formats: Any = None, **options: Any) -> TablePreparation:
    """What a table in memory learns from the same training rows."""
    rows = raw.filter(TableTarget.present(raw, found.goal.names))
    goal = TableTarget.learn(rows, found.goal.names, options.pop("task", None))
    return TablePreparation.learn(raw, goal, training_rows(found), formats=formats, **options)


def training_rows(found: Understanding, part: int = 0) -> np.ndarray:
    """Numbers of a part's rows in the whole table."""
    allotment = found.train.allotment
    starts = np.cumsum([0, *(piece.rows for piece in allotment.pieces)])
    return np.concatenate([starts[place] + allotment.rows(place, part) for place in range(len(allotment.pieces))])


def assert_alike(found: TablePreparation, expected: TablePreparation) -> None:
    """Equal, numbers to rounding."""
    ours, theirs = found.to_dict(), expected.to_dict()
    assert [column["name"] for column in ours["columns"]] == [column["name"] for column in theirs["columns"]]
    for mine, other in zip(ours["columns"], theirs["columns"], strict=True):
        assert mine.keys() == other.keys(), (mine, other)
        for key, value in mine.items():
            same = (
                np.allclose(value, other[key], rtol=1e-12, atol=0)
                if isinstance(value, float)
                or (isinstance(value, (list, tuple)) and value and isinstance(value[0], float))
                else value == other[key]
            )
            assert same, (mine["name"], key, value, other[key])
    assert ours["target"] == theirs["target"]


def understood(table: StreamedTable, target: Any, path: Path | None = None, **options: Any) -> Understanding:
    """A table's understanding, held against what a table in memory gives."""
    found = understand(table, target, **options)
    wishes = dict(options.get("wishes", {}))
    source = None if path is None else read_source(path, targets=found.goal.names)
    raw = pl.concat(list(table.frames()), how="vertical_relaxed") if source is None else source.frame
    expected = in_memory(found, raw, None if source is None else source.formats, wishes=wishes)
    assert_alike(found.preparation, expected)
    return found
