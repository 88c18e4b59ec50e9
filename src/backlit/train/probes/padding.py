"""Facts on sequences before training: how long they are, where their padding is, and what a mask leaves of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.nn.layer import Layer
from backlit.nn.layers.sequence import Masked

COMMON = 0.05  # of the rows end with it: then a value is padding
INNER = 0.1  # of it lies between real steps: then it is none


def sequences_of(x: np.ndarray, layer: Layer) -> tuple[dict[str, Any], np.ndarray | None]:
    """Facts on inputs (rows, time, features), or whole numbers (rows, time) before an embedding, of a layer or network.

    Returns
    -------
    dict
        "steps"; "blank", steps at which all rows are alike; "after" and "before", the mean share of steps that are
        padding after the last and before the first real one; "full", the share of rows without padding; "empty", of
        rows that are nothing else; "lengths", how many different lengths there are; with a `Masked`, "masked", the
        share of steps that it hides, and "inner", of steps that it hides between others. Empty for other inputs.
    array like `x`, or None
        What a `Masked` in it leaves of each row, moved to the front.

    Examples
    --------
    >>> import backlit as bl
    >>> x = np.ones((10, 4, 1))
    >>> x[:5, 2:] = 0
    >>> told, _ = sequences_of(x, bl.Sequential(bl.LSTM(3), bl.Linear(1)))
    >>> told["steps"], told["after"], told["full"]
    (4, 0.25, 0.5)
    """
    tokens = x.ndim == 2 and x.dtype.kind in "iu"
    if not (tokens or x.ndim == 3) or not _recurrent(layer) or x.shape[1] < 2:
        return {}, None
    steps = x.reshape(*x.shape[:2], -1)
    masks = [layer.value for layer in _masked(layer)]
    value = _padding(steps, tokens) if not masks else masks[0]
    told: dict[str, Any] = {"steps": x.shape[1], "blank": int((steps == steps[:1]).all(axis=(0, 2)).sum())}
    if value is None:
        return told, None
    real = (steps != value).any(axis=2)
    some = real.any(axis=1)
    length = x.shape[1]
    last, first = length - real[:, ::-1].argmax(axis=1), real.argmax(axis=1)
    ends = np.where(some, last - first, 0)
    inner = float((~real).mean() - 1 + ends.mean() / length)
    if not masks and inner > INNER * (~real).mean():
        return told, None  # a value like others
    told |= {
        "padding": float(value), "after": float((length - last)[some].mean() / length) if some.any() else 0.0,
        "before": float(first[some].mean() / length) if some.any() else 0.0, "full": float((ends == length).mean()),
        "empty": float((~some).mean()), "lengths": len(np.unique(ends)),
    }  # fmt: skip
    if not masks:
        return told, None
    told |= {"masked": float((~real).mean()), "inner": inner}
    order = np.argsort(~real, axis=1, kind="stable")
    left = np.where(real[..., None], steps, value)
    return told, np.take_along_axis(left, order[..., None], axis=1)


def filling_of(x: np.ndarray) -> int | None:
    """The token that rows of tokens (rows, steps) are filled up with: 0 where it stands at their ends, else None.

    Examples
    --------
    >>> filling_of(np.array([[3, 5, 0], [4, 0, 0]])), filling_of(np.array([[3, 0, 5], [0, 5, 4]]))
    (0, None)
    """
    blank = x == 0
    inner = ~blank[:, ::-1].cumprod(axis=1, dtype=bool)[:, ::-1] & ~blank.cumprod(axis=1, dtype=bool) & blank
    return 0 if blank.any() and inner.sum() <= INNER * blank.sum() else None


def real_steps(x: np.ndarray, layer: Layer) -> np.ndarray | None:
    """Which steps (rows, time) of sequences a `Masked` in the layer leaves; None if there is none, or it leaves none.

    Examples
    --------
    >>> import backlit as bl
    >>> x = np.ones((1, 3, 2))
    >>> x[:, 2] = -999
    >>> real_steps(x, bl.Masked(bl.LSTM(3), value=-999)).tolist()
    [[True, True, False]]
    """
    masks = _masked(layer) if x.ndim == 3 else []
    if not masks:
        return None
    real = (x != masks[0].value).any(axis=2)
    return np.asarray(real) if real.any() else None


def _padding(steps: np.ndarray, tokens: bool) -> Any:
    """The value that sequences (rows, time, features) seem to be filled up with; None if there is none."""
    if tokens:
        return 0 if (steps == 0).any() else None
    for edge in (steps[:, -1], steps[:, 0]):
        level = edge[:, 0]
        values, counts = np.unique(level[(edge == level[:, None]).all(axis=1)], return_counts=True)
        if len(values) and counts.max() >= COMMON * len(steps) and counts.max() > 2:
            return values[counts.argmax()]
    return None


def _recurrent(layer: Layer) -> bool:
    return any(part.recurrent for _, part in layer.walk())


def _masked(layer: Layer) -> list[Masked]:
    return [part for _, part in layer.walk() if isinstance(part, Masked)]
