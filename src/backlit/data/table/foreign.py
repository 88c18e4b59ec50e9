"""Columns of pandas and pyarrow that polars refuses or takes for something else, in a form that means the same."""

from __future__ import annotations

from typing import Any

from backlit.errors import InputError


def plain(frame: Any) -> Any:
    """A data frame of pandas or pyarrow without categories of numbers, intervals, periods and sparse columns.

    Categories of numbers, intervals and periods become text, since they name rather than count; sparse columns are
    filled up. Other frames are given back as they are.

    Raises
    ------
    InputError
        If a column holds complex numbers.
    """
    library = type(frame).__module__.partition(".")[0]
    if library == "pandas":
        return _of_pandas(frame)
    return _of_pyarrow(frame) if library == "pyarrow" else frame


def _of_pandas(frame: Any) -> Any:
    import pandas as pd

    if not isinstance(frame, pd.DataFrame) or not frame.columns.is_unique:
        return frame
    changed: dict[Any, Any] = {}
    for name in frame.columns:
        column = frame[name]
        kind = column.dtype
        if kind.kind == "c":
            raise InputError(f"column {str(name)!r} holds complex numbers; give their real and imaginary parts instead")
        if isinstance(kind, pd.SparseDtype):
            changed[name] = column.sparse.to_dense()
        elif isinstance(kind, (pd.IntervalDtype, pd.PeriodDtype)) or (
            isinstance(kind, pd.CategoricalDtype) and not pd.api.types.is_string_dtype(kind.categories.dtype)
        ):
            changed[name] = column.astype(object).map(str, na_action="ignore").astype("string")
    return frame.assign(**changed) if changed and all(isinstance(name, str) for name in changed) else frame


def _of_pyarrow(frame: Any) -> Any:
    import pyarrow as pa

    if not isinstance(frame, pa.Table):
        return frame
    for place, part in enumerate(frame.schema):
        if pa.types.is_dictionary(part.type) and not (
            pa.types.is_string(part.type.value_type) or pa.types.is_large_string(part.type.value_type)
        ):
            text = frame.column(place).cast(part.type.value_type).cast(pa.string())
            frame = frame.set_column(place, part.name, text)
    return frame
