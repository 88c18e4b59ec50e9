"""Data of the scoring half alone: no threshold was fitted to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets

ROWS = 500


def _spirals(rng: np.random.Generator) -> Any:
    """Three arms of a spiral in the plane."""
    y = rng.integers(0, 3, ROWS)
    t = rng.uniform(0.2, 1.0, ROWS)
    angle = 4.5 * t + y * 2 * np.pi / 3 + 0.15 * rng.normal(size=ROWS)
    x = np.stack([t * np.cos(angle), t * np.sin(angle)], axis=1)
    return x / x.std(axis=0), y


def _mixture(rng: np.random.Generator) -> Any:
    """Twenty columns of which six tell three classes apart, each class of two clouds."""
    x, y = datasets.make_classification(
        600, 20, n_informative=6, n_redundant=4, n_classes=3, class_sep=1.6, random_state=int(rng.integers(1 << 30))
    )
    return (x - x.mean(axis=0)) / x.std(axis=0), y


def _friedman(rng: np.random.Generator) -> Any:
    """Friedman's first regression problem: ten columns, five of which matter."""
    x, y = datasets.make_friedman1(600, noise=0.5, random_state=int(rng.integers(1 << 30)))
    return (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()


def _bars(rng: np.random.Generator) -> Any:
    """Noisy pictures with a bar: across, upright or on the diagonal."""
    y = rng.integers(0, 3, ROWS)
    x = 0.3 * rng.normal(size=(ROWS, 10, 10, 1))
    for picture, kind in zip(x, y, strict=True):
        at, begin = rng.integers(1, 9), rng.integers(0, 4)
        span = np.arange(begin, begin + 6)
        rows, columns = ((at + 0 * span, span), (span, at + 0 * span), (span, span))[kind]
        picture[rows, columns, 0] += 1.5
    return x, y


def _spot(rng: np.random.Generator) -> Any:
    """Noisy pictures with a bright spot; the number is how far to the right it is, from -1 to 1."""
    place = rng.uniform(1, 8, size=(ROWS, 2))
    grid = np.arange(10)
    light = np.exp(-((grid - place[:, :1]) ** 2) / 2)[:, :, None] * np.exp(-((grid - place[:, 1:]) ** 2) / 2)[:, None]
    x = 3 * light[..., None] + 0.2 * rng.normal(size=(ROWS, 10, 10, 1))
    return x, (place[:, 1] - 4.5) / 2


def _frequency(rng: np.random.Generator) -> Any:
    """Noisy waves of 24 steps; the number is their frequency, scaled."""
    own = rng.uniform(0.5, 2.5, ROWS)
    t = np.linspace(0, 1, 24)
    x = np.sin(2 * np.pi * own[:, None] * t) + 0.1 * rng.normal(size=(ROWS, 24))
    return x[..., None] * 1.3, (own - 1.5) / 0.58


def _peaks(steps: int) -> Callable[[np.random.Generator], Any]:
    """Noise with one peak; the class is the third of the sequence in which it is."""

    def make(rng: np.random.Generator) -> Any:
        x = 0.5 * rng.normal(size=(ROWS, steps, 1))
        place = rng.integers(0, steps, ROWS)
        x[np.arange(ROWS), place, 0] += 4
        return x, place * 3 // steps

    return make


def _echo(steps: int) -> Callable[[np.random.Generator], Any]:
    """Noise of two columns; the number is the mean of the first two steps of the first column, scaled."""

    def make(rng: np.random.Generator) -> Any:
        x = rng.normal(size=(ROWS, steps, 2))
        return x, x[:, :2, 0].sum(axis=1) / np.sqrt(2)

    return make


def _words(rng: np.random.Generator) -> Any:
    """Sequences of twelve of thirty tokens; the class is which of three groups occurs most."""
    y = rng.integers(0, 3, ROWS)
    own = rng.random((ROWS, 12)) < 0.5
    x = np.where(own, y[:, None] * 9 + rng.integers(0, 9, (ROWS, 12)), rng.integers(0, 30, (ROWS, 12)))
    return x, y


def _letters(rng: np.random.Generator) -> Any:
    """Texts of 4 to 24 tokens from 1 up, filled up with 0; the last one, of 1 to 4, is the class."""
    x = np.zeros((ROWS, 24), dtype=int)
    y = rng.integers(0, 4, ROWS)
    for row, (length, label) in enumerate(zip(rng.integers(4, 25, ROWS), y, strict=True)):
        x[row, : length - 1] = rng.integers(5, 30, length - 1)
        x[row, length - 1] = 1 + label
    return x, y


def _rainfall(rng: np.random.Generator) -> Any:
    """Sequences of 12 days, wet (1) or dry (0); the number is when, on average, it was wet."""
    x = (rng.random((ROWS, 12, 1)) < 0.5).astype(float)
    x[np.arange(ROWS), rng.integers(0, 12, ROWS)] = 1.0
    when = (x[..., 0] * np.arange(12)).sum(axis=1) / x.sum(axis=(1, 2))
    return x, (when - when.mean()) / when.std()


def _brief(rng: np.random.Generator) -> Any:
    """Two to four steps of two columns, then nothing up to 150 steps; the number is the mean of the first column."""
    x = np.zeros((ROWS, 150, 2))
    real = np.arange(150) < rng.integers(2, 5, ROWS)[:, None]
    x[real] = rng.normal(size=(real.sum(), 2))
    y = x[..., 0].sum(axis=1)
    return x, y / y.std()


OWN: dict[str, Callable[[np.random.Generator], Any]] = {
    "spirals": _spirals,
    "mixture": _mixture,
    "friedman": _friedman,
    "bars": _bars,
    "spot": _spot,
    "frequency": _frequency,
    "peaks_15": _peaks(15),
    "peaks_90": _peaks(90),
    "echo_10": _echo(10),
    "echo_80": _echo(80),
    "words": _words,
    "letters": _letters,
    "rainfall": _rainfall,
    "brief": _brief,
}
