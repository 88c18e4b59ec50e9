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


DIRECTIONS = ("right", "down right", "down", "down left", "left", "up left", "up", "up right")


def gestures(
    pictures: np.ndarray, rows: int = 2000, frames: int = 6, size: int = 20, noise: float = 0.05, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Films of a picture that moves in one of eight directions, 1 or 2 places a frame: what a gesture is, made small.

    No frame by itself tells the direction; it takes what is seen in each, and its order.

    Parameters
    ----------
    pictures : array (n, height, width)
        What moves: one of them, drawn by chance, in each film.
    rows, frames, size : int
        Films, frames of each, places along both axes of a frame.
    noise : float
        Standard deviation of what is added to every place.
    seed : int

    Returns
    -------
    x : float32 array (rows, frames, size, size, 1)
    y : int array (rows,)
        Number of the direction in `DIRECTIONS`.

    Raises
    ------
    InputError
        If the picture can't move that far within a frame.

    Examples
    --------
    >>> x, y = gestures(np.ones((1, 4, 4)), rows=3, frames=2, size=8, noise=0.0)
    >>> x.shape, x.sum().item()
    ((3, 2, 8, 8, 1), 96.0)
    """
    rng = _check(rows, noise, seed)
    _whole("frames", frames, 2)
    pictures = np.asarray(pictures, np.float32)
    if pictures.ndim != 3 or not len(pictures):
        raise InputError(f"pictures must have shape (n, height, width), got {pictures.shape}")
    far = 2 * (frames - 1)
    height, width = pictures.shape[1:]
    if max(height, width) + far > size:
        raise InputError(
            f"pictures of {height} × {width} move up to {far} places in {frames} frames; size must be at least "
            f"{max(height, width) + far}, got {size}"
        )
    steps = np.array([(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)])
    y = rng.integers(0, len(steps), rows)
    moves = (steps[y] * rng.integers(1, 3, (rows, 1)))[:, None] * np.arange(frames)[None, :, None]  # (rows, frames, 2)
    room = np.array([size - height, size - width])
    low, high = -moves.min(axis=1), room - moves.max(axis=1)
    places = rng.integers(low, high + 1)[:, None] + moves
    picture_numbers = rng.integers(0, len(pictures), rows)
    x = rng.normal(0.0, noise, (rows, frames, size, size)).astype(np.float32)
    for film, picture, spots in zip(x, pictures[picture_numbers], places, strict=True):
        for frame, (top, left) in zip(film, spots, strict=True):
            frame[top : top + height, left : left + width] += picture
    return x[..., None], y
