"""Raw rows by chance, to try a run's file on."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.named import NamedColumns
from backlit.data.scaling import Center, MinMax, Standardize
from backlit.data.table import TablePreparation
from backlit.data.table.category import Category
from backlit.data.table.moment import Moment
from backlit.data.table.number import Number
from backlit.exchange.onnx.compare import ROWS

GAPS = 0.1  # share of cells that are missing, in columns that had such


def rows_like(run: Any) -> Any:
    """Rows as the run takes them; None where they can't be made up: series, and preparations of the user's own."""
    preparation, shape = run.preparation, run.network.input_shape
    rng = np.random.default_rng(0)
    if isinstance(preparation, TablePreparation):
        return _table(preparation, rng)
    if isinstance(preparation, (Standardize, MinMax, Center)):
        x = np.asarray(preparation.shift) + np.asarray(preparation.scale) * rng.normal(size=(ROWS, *shape))
        return {name: x[:, i] for i, name in enumerate(preparation.names)} if preparation.names else x
    if isinstance(preparation, NamedColumns):
        return {name: rng.normal(size=ROWS) for name in preparation.names}
    return None


def _table(preparation: TablePreparation, rng: np.random.Generator) -> Any:
    """A data frame of columns as training had them."""
    import polars as pl

    columns = {column.name: column for column in preparation.columns}
    made = {}
    for name, _ in preparation.places():
        column = columns[name]
        gaps = rng.random(ROWS) < (GAPS if column.missing else 0)
        made[name] = pl.Series(name, _values(column, rng), strict=False).scatter(np.flatnonzero(gaps), None)
    return pl.DataFrame(made)


def _values(column: Any, rng: np.random.Generator) -> Any:
    if isinstance(column, Number):
        values = column.center + column.scale * rng.normal(size=ROWS)
        values = np.expm1(values) if column.scaling == "log" else values
        return np.round(values) if column.whole else values
    if isinstance(column, Category):
        return rng.choice(np.array([*column.levels, *column.rare], dtype=object), ROWS).tolist()
    assert isinstance(column, Moment)  # noqa: S101 - `TablePreparation` has no other kind in use
    start = np.datetime64("2019-12-30T05:00:00", "us")
    return start + rng.integers(0, 86_400_000_000 * 900, ROWS).astype("timedelta64[us]")
