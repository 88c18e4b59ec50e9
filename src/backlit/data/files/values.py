"""Python's values, as JSON and databases give them, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from backlit import bounds
from backlit.errors import InputError


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


class Rows:
    """Rows as dicts that may lack some of the columns, collected by column: that takes a third of the memory."""

    def __init__(self, where: str = "", size: int = 0) -> None:
        """For rows of a file, `where`, of so many bytes."""
        self.where, self.size = f"{where}: " if where else "", size
        self.count = self.gaps = 0
        self.columns: dict[str, list[Any]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """One more.

        Raises
        ------
        InputError
            If names differ so much that columns, or cells that are filled up, are beyond the limits.
        """
        for name, value in row.items():
            column = self.columns.get(name)
            if column is None:
                column = self.columns[name] = []
                bounds.require("columns", len(self.columns), f"{self.where}names of all rows make")
            if len(column) < self.count:
                self._fill(column)
            column.append(value)
        self.count += 1

    def _fill(self, column: list[Any]) -> None:
        self.gaps += self.count - len(column)
        if self.gaps > max(bounds.current().cells, self.size):
            what = f"{self.where}rows of different names make a table that lacks {self.gaps:,} cells or more"
            raise InputError(bounds.beyond("cells", what))
        column += [None] * (self.count - len(column))

    def frame(self) -> Any:
        """All columns; there are no rows any more."""
        import polars as pl

        columns = []
        while self.columns:
            name = next(iter(self.columns))
            column = self.columns.pop(name)
            self._fill(column)
            columns.append(series(name, column))
        return pl.DataFrame(columns)


def frame(rows: Iterable[Mapping[str, Any]]) -> Any:
    """A frame of rows that may lack some of the columns."""
    table = Rows()
    for row in rows:
        table.add(row)
    return table.frame()


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
