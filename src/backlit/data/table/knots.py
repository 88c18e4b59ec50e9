"""Knots: at which places of a number a network may bend, told from training rows."""

from __future__ import annotations

import numpy as np

ROWS = 20_000  # that quantiles are counted on
CLOSE = 1e-4  # knots nearer than this, in standard deviations, are one


def knots(inputs: np.ndarray, most: int, room: int) -> tuple[tuple[float, ...], ...]:
    """For each input its knots: quantiles, or all its values where these are few; none for 0/1 inputs and the like.

    Parameters
    ----------
    inputs : array (rows, inputs)
        Scaled training rows.
    most : int
        Pieces that an input is cut into at most.
    room : int
        Pieces of all inputs together, about: where there are many inputs, each has fewer.

    Examples
    --------
    >>> knots(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [4.0, 1.0]]), most=4, room=100)
    ((0.0, 1.0, 2.0, 4.0), ())
    >>> knots(np.arange(101.0)[:, None], most=2, room=100)
    ((0.0, 50.0, 100.0),)
    """
    ordered = np.sort(inputs[:: -(-len(inputs) // ROWS)], axis=0)
    numbers = np.flatnonzero((np.diff(ordered, axis=0) > CLOSE).sum(axis=0) > 1)
    pieces = min(most, room // max(len(numbers), 1))
    found: list[tuple[float, ...]] = [()] * inputs.shape[1]
    for i in numbers if pieces > 1 else ():
        values = ordered[:, i]
        distinct = values[np.append(True, np.diff(values) > CLOSE)]
        if len(distinct) > pieces + 1:
            places = np.unique(np.quantile(values, np.linspace(0, 1, pieces + 1)))
            distinct = places[np.append(True, np.diff(places) > CLOSE)]
        found[i] = tuple(distinct.tolist()) if len(distinct) > 2 else ()
    return tuple(found)
