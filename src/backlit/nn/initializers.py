"""Initialisers by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backlit.errors import unknown
from backlit.nn.random import Key

Initializer = Callable[[Key, tuple[int, ...]], np.ndarray]


def _xavier(key: Key, shape: tuple[int, ...]) -> np.ndarray:
    bound = np.sqrt(6.0 / (shape[0] + shape[1]))
    return key.generator().uniform(-bound, bound, shape)


def _zeros(key: Key, shape: tuple[int, ...]) -> np.ndarray:
    return np.zeros(shape)


def get(name: str) -> Initializer:
    known: dict[str, Initializer] = {"xavier": _xavier, "zeros": _zeros}
    if name.startswith("constant:"):
        return lambda key, shape: np.full(shape, float(name.split(":")[1]))
    if name not in known:
        raise unknown("initializer", name, known)
    return known[name]
