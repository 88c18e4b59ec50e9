"""Small sets that are drawn on demand: two inputs, so that they can be looked at."""

from __future__ import annotations

import numpy as np

from backlit.errors import InputError


def _check(rows: int, noise: float, seed: int, groups: int = 2) -> np.random.Generator:
    """The generator, if all options make sense."""
    _whole("seed", seed, 0)
    _whole("the number of classes", groups, 2)
    _whole("rows", rows, groups)
    if isinstance(noise, bool) or not isinstance(noise, (int, float, np.number)) or not 0 <= noise < np.inf:
        raise InputError(f"noise must be a number of at least 0, got {noise!r}")
    return np.random.default_rng(seed)


def _whole(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, got {value!r}")


def moons(rows: int = 1000, noise: float = 0.15, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles that reach into each other: x (rows, 2), classes 0 and 1."""
    rng = _check(rows, noise, seed)
    y = np.arange(rows) % 2
    angle = rng.uniform(0, np.pi, rows)
    x = np.stack(
        [np.where(y, 1 - np.cos(angle), np.cos(angle)), np.where(y, 0.5 - np.sin(angle), np.sin(angle))], axis=1
    )
    return x + noise * rng.normal(size=x.shape), y


def circles(rows: int = 1000, noise: float = 0.08, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A circle of radius 1 (class 0) around one of radius 0.5 (class 1)."""
    rng = _check(rows, noise, seed)
    y = np.arange(rows) % 2
    angle, radius = rng.uniform(0, 2 * np.pi, rows), np.where(y, 0.5, 1.0)
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x + noise * rng.normal(size=x.shape), y


def spirals(rows: int = 1500, noise: float = 0.1, seed: int = 0, arms: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Spiral arms around the origin, one class each."""
    rng = _check(rows, noise, seed, arms)
    y = np.arange(rows) % arms
    radius = rng.uniform(0.05, 1, rows)
    angle = 4 * radius + 2 * np.pi * y / arms + noise * 2 * rng.normal(size=rows)
    return radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1), y


def xor(rows: int = 1000, noise: float = 0.2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four clouds at the corners (±1, ±1); class 1 where the signs differ."""
    rng = _check(rows, noise, seed)
    corner = np.arange(rows) % 4
    x = np.stack([np.where(corner % 2, 1.0, -1.0), np.where(corner // 2, 1.0, -1.0)], axis=1)
    return x + noise * rng.normal(size=x.shape), ((corner % 2) != (corner // 2)).astype(int)


def blobs(rows: int = 1000, noise: float = 0.6, seed: int = 0, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Round clouds, one a class, their centres evenly on a circle of radius 2."""
    rng = _check(rows, noise, seed, classes)
    y = np.arange(rows) % classes
    angle = 2 * np.pi * y / classes
    return 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + noise * rng.normal(size=(rows, 2)), y
