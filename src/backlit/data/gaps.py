"""Gaps in inputs, missing values and the codes that stand for them, filled by what training rows have."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.frames import columns_of
from backlit.data.preparation import Preparation
from backlit.errors import InputError, ShapeError
from backlit.schema import parts


@dataclass(frozen=True)
class FillGaps(Preparation):
    """NaN, infinities and codes such as -999 replaced by the column's median of the rows that were learned from.

    Values are immutable: `fit` returns a new one. Results are float32.

    Attributes
    ----------
    codes : tuple of float
        Numbers that stand for a missing value.
    fills : tuple of float or None
        One for each size of the last axis; None before `fit`.
    names : tuple of str or None
        The columns' names, if `fit` saw a data frame: other frames' columns are found by them.

    Examples
    --------
    >>> import numpy as np
    >>> gaps = FillGaps(codes=(-999,)).fit([[1.0, 5.0], [3.0, np.nan], [-999.0, 7.0]])
    >>> gaps.apply([[np.nan, -999.0], [8.0, 9.0]]).tolist()
    [[2.0, 6.0], [8.0, 9.0]]
    """

    codes: tuple[float, ...] = ()
    fills: tuple[float, ...] | None = None
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        codes = (self.codes,) if isinstance(self.codes, (int, float)) else tuple(self.codes)
        if not all(isinstance(code, (int, float)) and math.isfinite(code) for code in codes):
            raise InputError(f"FillGaps: codes must be numbers that stand for a missing value, got {self.codes!r}")
        object.__setattr__(self, "codes", codes)

    def fit(self, x: Any) -> FillGaps:
        """Learn each column's median from rows (rows, ..., columns), an array or a data frame.

        Raises
        ------
        InputError
            If a value is no number, or a column has no known value.
        ShapeError
            If there are no rows, or no columns.
        """
        names, array = self._array(x)
        if array.ndim < 2 or not array.size:
            raise ShapeError(f"FillGaps needs rows and columns, got shape {array.shape}")
        flat = array.reshape(-1, array.shape[-1])
        unknown = self._unknown(flat)
        empty = unknown.all(axis=0)
        if empty.any():
            column = int(empty.argmax())
            raise InputError(f"column {names[column] if names else column!r} has no known value: leave it out")
        fills = [float(np.median(column[~gap])) for column, gap in zip(flat.T, unknown.T, strict=True)]
        return FillGaps(self.codes, tuple(fills), None if names is None else tuple(names))

    def apply(self, x: Any) -> np.ndarray:
        """The rows without gaps, float32.

        Raises
        ------
        InputError
            If `fit` wasn't called, a value is no number, or a named column isn't there.
        ShapeError
            If there are other columns than `fit` saw.
        """
        if self.fills is None:
            raise InputError("FillGaps hasn't learned anything yet: call fit(x) on the training rows first")
        names, array = self._array(x)
        if names is not None and self.names is not None:
            lacking = [name for name in self.names if name not in names]
            if lacking:
                raise InputError(f"x has no column {lacking[0]!r}; there are {', '.join(names)}")
            array = array[..., [names.index(name) for name in self.names]]
        if array.shape[-1:] != (len(self.fills),):
            raise ShapeError(f"FillGaps was fitted on {len(self.fills)} columns, got shape {array.shape}")
        return np.where(self._unknown(array), np.array(self.fills), array).astype(np.float32)

    def _array(self, x: Any) -> tuple[list[str] | None, np.ndarray]:
        columns = columns_of(x)
        try:
            if columns is None:
                return None, np.asarray(x, dtype=np.float64)
            return list(columns), np.stack([np.asarray(own, dtype=np.float64) for own in columns.values()], axis=1)
        except (TypeError, ValueError) as error:
            raise InputError(f"x: FillGaps takes numbers; make them so first ({error})") from error

    def _unknown(self, array: np.ndarray) -> np.ndarray:
        """Where nothing is known."""
        return ~np.isfinite(array) | np.isin(array, np.array(self.codes, dtype=np.float64))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        names = {} if self.names is None else {"names": list(self.names)}
        return {"codes": list(self.codes), "fills": self.fills, **names}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> FillGaps:
        """The inverse of `to_dict`."""
        made = cls(**parts(cls, dict(data)))
        if not made.fills or not np.isfinite(made.fills).all():
            raise InputError("FillGaps: expected a finite fill for each column")
        return made
