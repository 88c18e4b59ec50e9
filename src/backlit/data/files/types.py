"""Column types of several tables that are put one below another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def wider(schemas: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """For each column of the first table the narrowest type that holds the values of all; text, if there is none.

    >>> import polars as pl
    >>> wider([{"a": pl.Int64(), "b": pl.Date()}, {"a": pl.Float64(), "b": pl.Boolean()}])
    {'a': Float64, 'b': String}
    """
    types: dict[str, set[Any]] = {}
    for schema in schemas:
        for name, kind in schema.items():
            types.setdefault(name, set()).add(kind)
    return {name: _widest(kinds) for name, kinds in types.items()}


def _widest(kinds: set[Any]) -> Any:
    import polars as pl

    if len(kinds) == 1:
        return next(iter(kinds))
    columns = [pl.DataFrame({"": pl.Series([], dtype=kind)}) for kind in sorted(kinds, key=str)]
    try:
        return pl.concat(columns, how="vertical_relaxed").schema[""]
    except pl.exceptions.PolarsError:
        return pl.String()
