"""The cases' data, by name, and what can be done to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets

from benchmarks.doctor.outside_data import OUTSIDE
from benchmarks.doctor.score_data import OWN, ROWS
from benchmarks.doctor.strangers_others import OTHERS
from benchmarks.doctor.strangers_tables import TABLES
from benchmarks.doctor.third_data import THIRD


def _sklearn(load: Callable[..., Any], rows: int = ROWS) -> Callable[[np.random.Generator], Any]:
    def make(rng: np.random.Generator) -> Any:
        x, y = load(return_X_y=True)
        order = rng.permutation(len(x))[:rows]
        x = x[order]
        return (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1), y[order]

    return make


def _digits(rng: np.random.Generator) -> Any:
    x, y = datasets.load_digits(return_X_y=True)
    order = rng.permutation(len(x))[:800]
    return x[order] / 16, y[order]


def _pictures(rng: np.random.Generator) -> Any:
    x, y = _digits(rng)
    return x.reshape(-1, 8, 8, 1), y


def _moons(rng: np.random.Generator) -> Any:
    x, y = datasets.make_moons(ROWS, noise=0.1, random_state=int(rng.integers(1 << 30)))
    return (x - x.mean(axis=0)) / x.std(axis=0), y


def _circles(rng: np.random.Generator) -> Any:
    x, y = datasets.make_circles(ROWS, noise=0.08, factor=0.5, random_state=int(rng.integers(1 << 30)))
    return x / x.std(axis=0), y


def _blobs(rng: np.random.Generator) -> Any:
    y = rng.integers(0, 4, ROWS)
    return 2.5 * np.eye(4, 8)[y] + rng.normal(size=(ROWS, 8)), y


def _apart(rng: np.random.Generator) -> Any:
    y = rng.integers(0, 4, ROWS)
    x = 8 * np.eye(4, 8)[y] + rng.normal(size=(ROWS, 8))
    return x / x.std(), y


def _diabetes(rng: np.random.Generator) -> Any:
    x, y = _sklearn(datasets.load_diabetes)(rng)
    return x, (y - y.mean()) / y.std()


def _waves(rng: np.random.Generator) -> Any:
    x = rng.normal(size=(ROWS, 2))
    return x, np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] + 0.05 * rng.normal(size=ROWS)


def _first(steps: int) -> Callable[[np.random.Generator], Any]:
    """Sequences of noise whose class is the sign of the first step."""

    def make(rng: np.random.Generator) -> Any:
        x = rng.normal(size=(ROWS, steps, 1))
        return x, (x[:, 0, 0] > 0).astype(int)

    return make


def _total(rng: np.random.Generator) -> Any:
    """Sequences whose number is their mean, scaled."""
    x = rng.normal(size=(ROWS, 10, 1))
    return x, x.sum(axis=(1, 2)) / np.sqrt(10)


def _xor(rng: np.random.Generator) -> Any:
    x = rng.uniform(-1, 1, size=(ROWS, 2))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


def _tokens(rng: np.random.Generator) -> Any:
    """Sequences of ten of twenty tokens; the class says whether more of them are low than high."""
    x = rng.integers(0, 20, size=(ROWS, 10))
    return x, (np.where(x < 10, 1, -1).sum(axis=1) > 0).astype(int)


def _ragged(steps: int, end: str, where: str = "last") -> Callable[[np.random.Generator], Any]:
    """Sequences of 3 to `steps` numbers up from 0.1, filled up with 0 at one end; one real step tells the class."""

    def make(rng: np.random.Generator) -> Any:
        x = np.zeros((ROWS, steps, 1))
        y = rng.integers(0, 2, ROWS)
        for row, (length, label) in enumerate(zip(rng.integers(3, steps + 1, ROWS), y, strict=True)):
            values = rng.uniform(0.1, 1.0, length)
            values[-1 if where == "last" else 0] = 1.5 + label
            x[row, :length, 0] = values
            if end == "front":
                x[row] = np.roll(x[row], steps - length, axis=0)
        return x, y

    return make


def _short(rng: np.random.Generator) -> Any:
    """Sequences of three to five numbers in 120 steps; the rest behind them is 0. The class is the sign of the sum."""
    x = np.zeros((ROWS, 120, 1))
    lengths = rng.integers(3, 6, ROWS)
    real = np.arange(120) < lengths[:, None]
    x[real, 0] = rng.normal(size=real.sum())
    return x, (x.sum(axis=(1, 2)) > 0).astype(int)


def _bits(rng: np.random.Generator) -> Any:
    """Eight bits; the class is whether the first one is set."""
    x = rng.integers(0, 2, size=(ROWS, 8, 1)).astype(float)
    x[:, -1] = 1  # so that no sequence is nothing but zeros
    return x, x[:, 0, 0].astype(int)


def _weak(rng: np.random.Generator) -> Any:
    """Sixty columns that tell a quarter of the number's spread, in 900 rows."""
    x = rng.normal(size=(900, 60))
    w = rng.normal(size=60)
    return x, 0.5 * (x @ w) / np.linalg.norm(w) + np.sqrt(0.75) * rng.normal(size=900)


def _overlap(rng: np.random.Generator) -> Any:
    """Two clouds of eight columns that overlap, with 1500 rows: right in nine of ten at best."""
    y = (rng.random(1500) < 0.5).astype(int)
    return 0.9 * y[:, None] * np.ones(8) / np.sqrt(8) * 3 + rng.normal(size=(1500, 8)), y


def _topics(rng: np.random.Generator) -> Any:
    """Texts of fourteen of forty tokens (1 stands for unknown ones); the class is which of four groups occurs most."""
    y = rng.integers(0, 4, ROWS)
    own = rng.random((ROWS, 14)) < 0.4
    return np.where(own, 4 + y[:, None] * 6 + rng.integers(0, 6, (ROWS, 14)), rng.integers(2, 40, (ROWS, 14))), y


def _ticks(rng: np.random.Generator) -> Any:
    """Noisy pictures of 9 × 9 with two strokes anywhere: both across, both upright, or one of each."""
    y = rng.integers(0, 3, ROWS)
    x = 0.3 * rng.normal(size=(ROWS, 9, 9, 1))
    for picture, kind in zip(x, y, strict=True):
        for upright in ((False, False), (True, True), (True, False))[kind]:
            row, column, span = rng.integers(0, 9), rng.integers(0, 5), np.arange(5)
            places = (column + span, row) if upright else (row, column + span)
            picture[(*places, 0)] += 1.5
    return x, y


def _itself(rng: np.random.Generator) -> Any:
    x = _digits(rng)[0]
    return x, x


def _raw_diabetes(rng: np.random.Generator) -> Any:
    return _sklearn(datasets.load_diabetes)(rng)


DATA: dict[str, Callable[[np.random.Generator], Any]] = {
    "digits": _digits,
    "pictures": _pictures,
    "iris": _sklearn(datasets.load_iris),
    "wine": _sklearn(datasets.load_wine),
    "cancer": _sklearn(datasets.load_breast_cancer),
    "diabetes": _diabetes,
    "moons": _moons,
    "circles": _circles,
    "blobs": _blobs,
    "apart": _apart,
    "waves": _waves,
    "first_8": _first(8),
    "first_12": _first(12),
    "first_60": _first(60),
    "total": _total,
    "xor": _xor,
    "tokens": _tokens,
    "ragged": _ragged(20, "back"),
    "ragged_front": _ragged(20, "front"),
    "short": _short,
    "bits": _bits,
    "weak": _weak,
    "overlap": _overlap,
    "topics": _topics,
    "ticks": _ticks,
    "itself": _itself,
    "raw_diabetes": _raw_diabetes,
    **OWN,
    **OUTSIDE,
    **TABLES,
    **OTHERS,
    **THIRD,
}
