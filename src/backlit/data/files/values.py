"""Python's values, as JSON and databases give them, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def series(name: str, values: Sequence[Any]) -> Any:
    """A column of the type that holds all values exactly; text for several kinds, or whole numbers beyond 64 bits."""
    import polars as pl

    values = [value.item() if isinstance(value, np.generic) else value for value in values]
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool}:
        return pl.Series(name, values, dtype=pl.Boolean if kinds else pl.Null)
    if kinds == {int}:
        low, high = (end(value for value in values if value is not None) for end in (min, max))
        if low >= -(2**63) and high < 2**63:
            return pl.Series(name, values, dtype=pl.Int64)
        if low >= 0 and high < 2**64:
            return pl.Series(name, values, dtype=pl.UInt64)
    elif kinds <= {int, float}:
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    elif kinds <= {bytes}:
        return pl.Series(name, values, dtype=pl.Binary)
    elif kinds & {list, dict}:
        return pl.Series(name, values, strict=False)
    return pl.Series(name, [None if value is None else _spelled(value) for value in values], dtype=pl.String)


def frame(rows: Sequence[dict[str, Any]]) -> Any:
    """A frame of rows that may lack some of the columns."""
    import polars as pl

    names = list(dict.fromkeys(name for row in rows for name in row))
    return pl.DataFrame([series(name, [row.get(name) for row in rows]) for name in names])


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
