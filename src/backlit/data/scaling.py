"""Scaling of inputs: learned on training rows, applied to any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.data.frames import as_arrays
from backlit.data.named import NamedColumns
from backlit.data.preparation import Preparation
from backlit.errors import InputError, ShapeError, unknown
from backlit.registry import register
from backlit.schema import fitted, parts

BLOCK = 1 << 18  # values that are turned to float64 at a time


@dataclass(frozen=True)
class Scaling(Preparation):
    """``(x - shift) / scale``, column by column; `Standardize`, `MinMax` and `Center` say which shift and scale.

    Values are immutable: `fit` returns a new one. Inside, numbers are float64; results are float32.

    Attributes
    ----------
    shift, scale : tuple of float or None
        One a column; None before `fit`.
    names : tuple of str or None
        The columns' names, if `fit` saw a data frame: other frames' columns are found by them.
    """

    shift: tuple[float, ...] | None = None
    scale: tuple[float, ...] | None = None
    names: tuple[str, ...] | None = None

    kinds: ClassVar[dict[str, type[Scaling]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        register(Scaling.kinds, cls.__name__, cls, "scaling")

    @staticmethod
    def measure(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shift and scale of each column, float64."""
        raise NotImplementedError("Scaling is what Standardize, MinMax and Center have in common; use one of those")

    def fit(self, x: Any) -> Scaling:
        """Learn shift and scale from rows (rows, columns), an array or a data frame.

        Columns that don't vary get scale 1.

        Raises
        ------
        InputError
            If a value is no number, missing or infinite; row and column are named.
        ShapeError
            If `x` isn't a table with at least one row and one column.
        """
        x, names = as_arrays(x, dtype=None)
        if x.ndim != 2 or not x.size:
            raise ShapeError(f"scaling needs rows and columns, got shape {x.shape}; use reshape(-1, 1) for one column")
        with np.errstate(over="ignore", invalid="ignore"):
            shift, scale = self.measure(x)
        wrong = ~(np.isfinite(shift) & np.isfinite(scale))
        if wrong.any():
            column = int(wrong.argmax())
            raise InputError(
                f"column {names[column] if names else column!r} reaches {np.abs(x[:, column]).max():g}: "
                "too large to be scaled; divide it by a power of ten"
            )
        # Over many rows the mean of equal values is off by rounding: such columns are known by their ends.
        low, high = x.min(axis=0).astype(np.float64), x.max(axis=0)
        shift = np.where(low == high, low, shift)
        constant = (low == high) | (scale <= 10 * np.finfo(np.float64).eps * np.abs(shift))
        column_names = None if names is None else tuple(names)
        return type(self)(tuple(shift.tolist()), tuple(np.where(constant, 1.0, scale).tolist()), column_names)

    def apply(self, x: Any) -> np.ndarray:
        """Scaled rows, float32.

        Raises
        ------
        InputError
            If `fit` wasn't called, a value is no number, missing or infinite, or a named column isn't there.
        ShapeError
            If there are other columns than `fit` saw.
        """
        x = as_arrays(x if self.names is None else NamedColumns(self.names).apply(x), dtype=None)[0]
        shift, scale = self._learned(x)
        if x.ndim != 2:
            return ((x.astype(np.float64) - shift) / scale).astype(np.float32)
        scaled = np.empty(x.shape, np.float32)
        for rows in _blocks(x):
            scaled[rows] = (x[rows].astype(np.float64) - shift) / scale
        return scaled

    def invert(self, z: Any) -> np.ndarray:
        """The rows that `apply` scaled, float64."""
        shift, scale = self._learned(z)
        return np.asarray(z, dtype=np.float64) * scale + shift

    def _learned(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        if self.shift is None or self.scale is None:
            raise InputError(
                f"{type(self).__name__} hasn't learned anything yet: call fit(x) on the training rows first"
            )
        if np.shape(x)[-1:] != (len(self.shift),):
            raise ShapeError(f"{type(self).__name__} was fitted on {len(self.shift)} columns, got shape {np.shape(x)}")
        return np.array(self.shift), np.array(self.scale)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        names_entry = {} if self.names is None else {"names": list(self.names)}
        return {"scaling": type(self).__name__, "shift": self.shift, "scale": self.scale, **names_entry}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Scaling:
        """The inverse of `to_dict`."""
        rest = dict(data)
        kind = Scaling.kinds.get(name := fitted(str, rest.pop("scaling", None), "scaling"))
        if kind is None:
            raise unknown("scaling", name, Scaling.kinds)
        made = kind(**parts(kind, rest))
        numbers = (*(made.shift or ()), *(made.scale or ()))
        if len(made.shift or ()) != len(made.scale or ()) or not np.isfinite(numbers).all() or 0 in (made.scale or ()):
            raise InputError(f"{name}: expected a shift and a scale other than 0 for each column")
        return made


def _blocks(x: np.ndarray) -> Iterator[slice]:
    """Rows in portions, so that float64 copies stay small beside a large float32 array."""
    step = max(1, BLOCK // x.shape[1])
    return (slice(start, start + step) for start in range(0, len(x), step))


def _mean(x: np.ndarray) -> np.ndarray:
    return sum(x[rows].sum(axis=0, dtype=np.float64) for rows in _blocks(x)) / len(x)


class Standardize(Scaling):
    """Zero mean and unit variance: shift = mean, scale = standard deviation (of the population).

    Examples
    --------
    >>> scaler = Standardize().fit([[1.0, 10.0], [3.0, 10.0]])
    >>> scaler.apply([[1.0, 10.0], [5.0, 12.0]]).tolist()
    [[-1.0, 0.0], [3.0, 2.0]]
    """

    @staticmethod
    def measure(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = _mean(x)
        squares = sum(np.square(x[rows].astype(np.float64) - mean).sum(axis=0) for rows in _blocks(x))
        return mean, np.sqrt(squares / len(x))


class MinMax(Scaling):
    """From 0 to 1: shift = minimum, scale = maximum - minimum.

    Examples
    --------
    >>> MinMax().fit([[0.0], [16.0]]).apply([[4.0]]).tolist()
    [[0.25]]
    """

    @staticmethod
    def measure(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low = x.min(axis=0).astype(np.float64)
        return low, x.max(axis=0) - low


class Center(Scaling):
    """Zero mean, unit as it is.

    Examples
    --------
    >>> Center().fit([[1.0], [3.0]]).apply([[4.0]]).tolist()
    [[2.0]]
    """

    @staticmethod
    def measure(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _mean(x), np.ones(x.shape[1])
