"""Data of the scoring half's cases outside the first catalogue: tables, pictures, series, texts, few rows and many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def _machines(rng: np.random.Generator) -> Any:
    """3000 rows of twelve readings of a machine; whether it fails is a rule of three of them, with some noise."""
    x = rng.normal(size=(3000, 12))
    risk = 1.6 * np.tanh(x[:, 0] * x[:, 3]) + 1.2 * x[:, 7] + 0.4 * rng.normal(size=3000)
    return x, (risk > 0).astype(int)


def _houses(rng: np.random.Generator) -> Any:
    """800 rows of nine columns; the price goes by size, age and their place, standardised."""
    x = rng.normal(size=(800, 9))
    price = 1.5 * x[:, 0] - 0.7 * np.abs(x[:, 1]) + np.where(x[:, 2] > 0, x[:, 3], -0.5 * x[:, 4])
    price = price + 0.3 * rng.normal(size=800)
    return x, (price - price.mean()) / price.std()


def _trial(rng: np.random.Generator) -> Any:
    """A small trial: 110 rows of six columns, two groups that overlap a little."""
    y = rng.integers(0, 2, 110)
    return 1.8 * y[:, None] * np.array([1, 0.6, 0, 0, -0.8, 0]) + rng.normal(size=(110, 6)), y


def _seasons(rng: np.random.Generator) -> Any:
    """700 windows of sixteen values of a seasonal series; the number is the next value, some noise in it."""
    t = np.arange(900)
    phase = rng.uniform(0, 6)
    series = np.sin(2 * np.pi * t / 12 + phase) + 0.5 * np.sin(2 * np.pi * t / 31 + 2 * phase)
    series = (series + 0.25 * rng.normal(size=900)) / 0.85
    begins = rng.permutation(900 - 17)[:700]
    windows = series[begins[:, None] + np.arange(17)]
    return windows[:, :16, None], windows[:, 16]


def _reviews(rng: np.random.Generator) -> Any:
    """700 texts of 6 to 18 of sixty tokens (0 is padding, 1 unknown); praise or blame by which words are more."""
    x = np.zeros((700, 18), dtype=int)
    y = rng.integers(0, 2, 700)
    for row, (length, label) in enumerate(zip(rng.integers(6, 19, 700), y, strict=True)):
        telling = rng.random(length) < 0.4
        own = np.where(label == 1, rng.integers(4, 14, length), rng.integers(14, 24, length))
        x[row, :length] = np.where(telling, own, rng.integers(24, 60, length))
    return x, y


def _shapes(rng: np.random.Generator) -> Any:
    """600 noisy pictures of 12 × 12: a ring, a cross, a square or nothing, anywhere."""
    y = rng.integers(0, 4, 600)
    grid = np.arange(12)
    x = 0.25 * rng.normal(size=(600, 12, 12, 1))
    for picture, kind in zip(x, y, strict=True):
        across, down = np.abs(grid[None] - rng.integers(4, 8)), np.abs(grid[:, None] - rng.integers(4, 8))
        far = np.maximum(across, down)
        ring = np.abs(np.hypot(across, down) - 3) < 0.6
        drawn = (ring, (np.minimum(across, down) == 0) & (far < 4), far < 3, np.zeros((12, 12), bool))[kind]
        picture[drawn, 0] += 1.0
    return x, y


def _claims(rng: np.random.Generator) -> Any:
    """2400 rows of ten columns of two classes that overlap in a curved way: right in nine of ten at best."""
    y = rng.integers(0, 2, 2400)
    x = rng.normal(size=(2400, 10))
    x[:, 0] += np.where(y == 1, 1.9, 0)
    x[:, 1] += np.where(y == 1, 1.4, 0) * np.sign(x[:, 2])
    return x, y


def _faint(rng: np.random.Generator) -> Any:
    """1200 rows of ninety columns, of which each tells a little: R² of 0.3 is all there is."""
    x = rng.normal(size=(1200, 90))
    w = rng.normal(size=90)
    return x, np.sqrt(0.3) * (x @ w) / np.linalg.norm(w) + np.sqrt(0.7) * rng.normal(size=1200)


def _parity(rng: np.random.Generator) -> Any:
    """1000 rows of twenty signs; whether the product of eight of them is positive: nobody learns it so."""
    x = rng.choice([-1.0, 1.0], size=(1000, 20))
    return x, (x[:, :8].prod(axis=1) > 0).astype(int)


def _steps(rng: np.random.Generator) -> Any:
    """600 walks of ten steps of three columns; the class is whether the first column goes up on the whole."""
    x = rng.normal(size=(600, 10, 3))
    return x, (x[:, :, 0].sum(axis=1) > 0).astype(int)


def _doses(rng: np.random.Generator) -> Any:
    """500 rows of one column: a smooth curve of a dose, with noise."""
    x = rng.uniform(-2, 2, size=(500, 1))
    return x, np.tanh(2 * x[:, 0]) + 0.4 * np.sin(4 * x[:, 0]) + 0.1 * rng.normal(size=500)


OUTSIDE: dict[str, Callable[[np.random.Generator], Any]] = {
    "machines": _machines,
    "houses": _houses,
    "trial": _trial,
    "seasons": _seasons,
    "reviews": _reviews,
    "shapes": _shapes,
    "claims": _claims,
    "faint": _faint,
    "parity": _parity,
    "steps": _steps,
    "doses": _doses,
}
