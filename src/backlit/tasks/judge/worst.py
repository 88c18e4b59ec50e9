"""The rows that a run gets most wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from backlit.data.preparation import preparation_of
from backlit.train.judgement import Mistake, Mistakes

MOST = 10  # rows
MOST_RIGHT = 4  # pictures
MOST_CELLS = 8  # of each row
MOST_TEXT = 200  # characters of a cell
MOST_PIXELS = 4096


def mistakes(
    run: Any,
    outputs: np.ndarray,
    y: np.ndarray,
    *,
    raw: Any = None,
    names: Sequence[Any] | np.ndarray | None = None,
    seen_as: tuple[int, ...] | None = None,
) -> Mistakes | None:
    """Rows that were most confidently called something wrong, or whose numbers are farthest off; the worst first.

    Parameters
    ----------
    run : Run
    outputs, y : array
        What the network says of the rows that were judged on (`Run.outputs`), and their targets.
    raw : data frame or array (rows, ...), optional
        Those rows: what there is to see of them is kept.
    names : array (rows,), optional
        What the rows are called, in place of what there is to see of them.
    seen_as : tuple of int, optional
        Shape of the pictures that flat rows hold.

    Returns
    -------
    Mistakes or None
        None for several targets, and for losses without probabilities.
    """
    if y.ndim != 1:
        return None
    called = run.targets.decode(outputs)
    of_classes = bool(run.targets.labels)
    if of_classes and run.loss.activation is None:
        return None
    if of_classes:
        amount = run.targets.probabilities(outputs, run.loss.activation).max(axis=1)
        candidates = np.flatnonzero(called != y)
    else:
        amount, candidates = np.abs(called - y), np.arange(len(y))
    order = candidates[np.argsort(-amount[candidates], kind="stable")][:MOST].tolist()
    measures = [{"probability" if of_classes else "off": amount[i].item()} for i in order]
    if names is not None:
        rows = [
            Mistake.from_dict({"truth": str(y[i]), "called": str(called[i]), "name": str(names[i]), **measure})
            for i, measure in zip(order, measures, strict=True)
        ]
        return Mistakes((), tuple(rows), named=True)
    columns, seen = _seen(run, raw, seen_as)
    rows = [
        Mistake.from_dict({"truth": _plain(y[i]), "called": _plain(called[i]), **measure, **seen(i)})
        for i, measure in zip(order, measures, strict=True)
    ]
    right = tuple(_right(y, called, amount, seen)) if of_classes else ()
    return Mistakes(tuple(columns), tuple(rows), right=right or None)


def worse(one: Mistakes | None, other: Mistakes | None) -> Mistakes | None:
    """The worst mistakes of two parts of the rows."""
    if one is None or other is None:
        return one or other

    def amount(row: Mistake) -> float:
        return (row.off if row.probability is None else row.probability) or 0.0

    rows = sorted((*one.rows, *other.rows), key=amount, reverse=True)
    return Mistakes(one.columns or other.columns, tuple(rows[:MOST]))


def _right(
    y: np.ndarray, called: np.ndarray, amount: np.ndarray, seen: Callable[[int], dict[str, Any]]
) -> Iterator[Mistake]:
    """The first pictures of different classes that were called what they are."""
    found = np.flatnonzero(called == y)
    if not len(found) or "pixels" not in seen(int(found[0])):
        return
    first = np.sort(np.unique(y[found], return_index=True)[1])
    for i in found[first][:MOST_RIGHT].tolist():
        right = {"truth": _plain(y[i]), "called": _plain(called[i]), "probability": amount[i].item()}
        yield Mistake.from_dict({**right, **seen(i)})


def _seen(run: Any, raw: Any, seen_as: tuple[int, ...] | None) -> tuple[list[str], Callable[[int], dict[str, Any]]]:
    """Names of the cells, and what there is to see of a row by its number."""
    if raw is None:
        return [], lambda i: {}
    if not isinstance(raw, np.ndarray):
        preparation = preparation_of(run.preparation)
        used = preparation.column_names or raw.columns
        columns = [name for name in used if name in raw.columns and name not in preparation.target_names][:MOST_CELLS]
        return columns, lambda i: {"cells": tuple(_plain(raw[name][i]) for name in columns)}
    if seen_as and math.prod(seen_as) <= MOST_PIXELS and seen_as[2:] in ((), (1,)):
        return [], lambda i: {"pixels": tuple(np.asarray(raw[i], dtype=float).reshape(seen_as[:2]).tolist())}
    return [], lambda i: {}


def _plain(value: Any) -> Any:
    """A cell as JSON can hold it: numbers as they are, all else as text, nothing as nothing."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
