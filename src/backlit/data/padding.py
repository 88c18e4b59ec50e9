"""Sequences of different length as one array."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from backlit.errors import InputError, ShapeError, unknown


def pad_sequences(
    sequences: Iterable[Any], length: int | None = None, value: float = 0.0, at: Literal["end", "start"] = "end"
) -> np.ndarray:
    """Sequences of different length as one array, shorter ones filled up; `Masked` layers pass over what is filled up.

    Parameters
    ----------
    sequences : list of arrays or lists (time, ...)
        Each at least one step long, all with the same features at a step.
    length : int, optional
        Of the result; that of the longest if left out. From longer ones the side that would be filled up is cut off.
    value : float
        To fill up with, such as NaN where 0 occurs in the data: then ``bl.Masked(..., value=float("nan"))``.
    at : "end" or "start"
        Where to fill up.

    Returns
    -------
    array (rows, length, ...)
        Whole numbers stay whole if `value` is one, and single precision single; else float64.

    Raises
    ------
    InputError
        If there are no sequences, one is empty or holds something else than numbers (named by its row), or an option
        can't be.
    ShapeError
        If a sequence's steps have other features than the first's.

    Examples
    --------
    >>> pad_sequences([[1, 2, 3], [4]]).tolist()
    [[1, 2, 3], [4, 0, 0]]
    >>> pad_sequences([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]], at="start").shape
    (2, 2, 2)
    """
    if not isinstance(at, str) or at not in ("end", "start"):
        raise unknown("side to pad at", at, ("end", "start"))
    if length is not None and (isinstance(length, bool) or not isinstance(length, (int, np.integer)) or length < 1):
        raise InputError(f"length must be a whole number from 1, got {length!r}")
    arrays = [_steps(sequence, row) for row, sequence in enumerate(sequences)]
    if not arrays:
        raise InputError("there are no sequences to pad")
    features = arrays[0].shape[1:]
    for row, array in enumerate(arrays):
        if array.shape[1:] != features:
            raise ShapeError(f"row {row} has steps of shape {array.shape[1:]}, row 0 of {features}")
    longest = length or max(map(len, arrays))
    kind = np.result_type(*{array.dtype for array in arrays})
    if kind.kind != "f" and value != int(value if np.isfinite(value) else 0):
        kind = np.dtype(float)
    padded = np.full((len(arrays), longest, *features), value, kind)
    for row, array in zip(padded, arrays, strict=True):
        kept = array[:longest] if at == "end" else array[-longest:]
        row[slice(len(kept)) if at == "end" else slice(longest - len(kept), None)] = kept
    return padded


def _steps(sequence: Any, row: int) -> np.ndarray:
    """One sequence as an array of numbers."""
    try:
        array = np.asarray(sequence)
    except ValueError as error:
        raise ShapeError(f"row {row} has steps of different shape ({error})") from error
    if array.ndim == 0 or array.dtype.kind not in "fiub":
        raise InputError(f"row {row} is {sequence!r:.50}; expected a sequence of numbers, (time, ...)")
    if not len(array):
        raise InputError(f"row {row} is empty: there is nothing to read; leave it out")
    return array.astype(np.int64) if array.dtype.kind == "b" else array
