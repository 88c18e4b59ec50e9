"""Scaling of inputs: learned on training rows, applied to any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.errors import InputError, ShapeError


@dataclass(frozen=True)
class Scaling:
    """``(x - shift) / scale``, column by column; `Standardize`, `MinMax` and `Center` say which shift and scale.

    Values are immutable: `fit` returns a new one. Inside, numbers are float64; results are float32.

    Attributes
    ----------
    shift, scale : tuple of float or None
        One a column; None before `fit`.
    """

    shift: tuple[float, ...] | None = None
    scale: tuple[float, ...] | None = None

    kinds: ClassVar[dict[str, type[Scaling]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Scaling.kinds[cls.__name__] = cls

    @staticmethod
    def measure(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shift and scale of each column."""
        raise NotImplementedError

    def fit(self, x: Any) -> Scaling:
        """Learn shift and scale from rows (rows, columns). Columns that don't vary get scale 1.

        Raises
        ------
        InputError
            If a value is missing or infinite; row and column are named.
        ShapeError
            If `x` isn't a table with at least one row.
        """
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or not len(x):
            raise ShapeError(f"scaling needs rows and columns, got shape {x.shape}; use reshape(-1, 1) for one column")
        if not np.isfinite(x).all():
            row, column = np.argwhere(~np.isfinite(x))[0]
            raise InputError(f"row {row}, column {column} is {x[row, column]}; drop such rows or fill them in")
        shift, scale = self.measure(x)
        tiny = scale <= 10 * np.finfo(np.float64).eps * np.maximum(np.abs(shift), 1.0)
        return type(self)(tuple(shift.tolist()), tuple(np.where(tiny, 1.0, scale).tolist()))

    def apply(self, x: Any) -> np.ndarray:
        """Scaled rows, float32."""
        shift, scale = self._learned(x)
        return ((np.asarray(x, dtype=np.float64) - shift) / scale).astype(np.float32)

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
        return {"scaling": type(self).__name__, "shift": self.shift, "scale": self.scale}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Scaling:
        """The inverse of `to_dict`."""
        shift, scale = data["shift"], data["scale"]
        learned = (None, None) if shift is None else (tuple(shift), tuple(scale))
        return Scaling.kinds[data["scaling"]](*learned)


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
        return x.mean(axis=0), x.std(axis=0)


class MinMax(Scaling):
    """From 0 to 1: shift = minimum, scale = maximum - minimum.

    Examples
    --------
    >>> MinMax().fit([[0.0], [16.0]]).apply([[4.0]]).tolist()
    [[0.25]]
    """

    @staticmethod
    def measure(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return x.min(axis=0), x.max(axis=0) - x.min(axis=0)


class Center(Scaling):
    """Zero mean, unit as it is.

    Examples
    --------
    >>> Center().fit([[1.0], [3.0]]).apply([[4.0]]).tolist()
    [[2.0]]
    """

    @staticmethod
    def measure(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return x.mean(axis=0), np.ones(x.shape[1])
