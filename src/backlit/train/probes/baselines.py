"""What very simple models make of the data: the yardstick for what a network should at least have learned.

scikit-learn's RidgeCV and NearestNeighbors give the same numbers (a test holds these to them), but take twenty times as
long to import as NumPy, which every run with probes would wait for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

NEIGHBOURS = 5
RIDGES = (1e-3, 1e-1, 1.0, 10.0)  # times the number of rows
MOST_COLUMNS = 20_000
LEAST = 1e-9  # what a row leaves to the others at least; with more columns than rows it is little, but not nothing


def reference(x: np.ndarray, y: np.ndarray, kind: str) -> dict[str, Any]:
    """Scores of ridge regression and of the five nearest neighbours, each row judged by the others.

    Parameters
    ----------
    x : array (rows, ...)
        Finite numbers; columns are standardised here.
    y : array (rows,) or (rows, outputs)
        As the loss takes it.
    kind : str
        Of target: "class" and "binary" are scored by accuracy, "number" by R².

    Returns
    -------
    dict
        "linear", "neighbours", "guess" (accuracy of the commonest class, or 0), and "agreement": how often the nearest
        neighbour has the same target, with "chance", how often any other row has. Empty if this can't be told.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> told = reference(x, x[:, :1] * 3, "number")
    >>> bool(told["linear"] > 0.99 > told["guess"])
    True
    """
    flat = x.reshape(len(x), -1).astype(np.float64)
    if kind not in ("class", "binary", "number") or y.ndim > 2 or len(x) < 20 or flat.shape[1] > MOST_COLUMNS:
        return {}
    if kind != "number" and y.size != len(y):  # a class at each step
        return {}
    if kind == "number" and y.size == x.size and np.array_equal(y.reshape(len(y), -1), x.reshape(len(x), -1)):
        return {}  # an autoencoder: copying is no yardstick
    std = flat.std(axis=0)
    flat = (flat - flat.mean(axis=0))[:, std > 1e-9] / std[std > 1e-9]
    if not flat.shape[1]:
        return {}
    labels = y.reshape(len(y)).astype(int) if kind in ("class", "binary") else None
    goal = np.eye(labels.max() + 1)[labels] if labels is not None else y.reshape(len(y), -1).astype(np.float64)
    inner = flat @ flat.T
    square = np.diag(inner)
    distance = square[:, None] + square[None] - 2 * inner
    np.fill_diagonal(distance, np.inf)
    near = np.argpartition(distance, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    scores = {
        "linear": max(score(_ridge(flat, inner, goal, ridge * len(x)), goal, labels) for ridge in RIDGES),
        "neighbours": score(goal[near].mean(axis=1), goal, labels),
        "guess": float(np.bincount(labels).max() / len(labels)) if labels is not None else 0.0,
        "rows": len(x),
    }
    values = labels if labels is not None else y[:, 0] if y.ndim == 2 else y
    if labels is not None or (y.reshape(len(y), -1).shape[1] == 1 and bool((values == np.round(values)).all())):
        shares = np.unique(values, return_counts=True)[1] / len(values)
        scores["agreement"] = float((values[distance.argmin(axis=1)] == values).mean())
        scores["chance"] = float(np.square(shares).sum())
    return scores


def answers(
    flat: np.ndarray,
    goal: np.ndarray,
    model: str,
    others: np.ndarray | None = None,
    ridges: tuple[float, ...] = RIDGES,
) -> np.ndarray:
    """A simple model's answers for rows, each learned from the others; or for other rows, learned from all of these.

    Parameters
    ----------
    flat : array (rows, columns)
        Of about mean 0 and variance 1.
    goal : array (rows, outputs)
    model : "linear" or "neighbours"
        The best of a few ridge regressions, or the mean of the five nearest.
    others : array (other rows, columns), optional
    ridges : tuple of float
        Strengths, of which the best is taken, times the number of rows.
    """
    if model == "neighbours":
        seen = flat if others is None else others
        distance = np.square(seen).sum(axis=1)[:, None] + np.square(flat).sum(axis=1)[None] - 2 * seen @ flat.T
        if others is None:
            np.fill_diagonal(distance, np.inf)
        near = np.argpartition(distance, min(NEIGHBOURS, distance.shape[1] - 1), axis=1)[:, :NEIGHBOURS]
        told: np.ndarray = goal[near].mean(axis=1)
        return told
    mean = flat.mean(axis=0)
    centred = flat - mean
    inner = centred @ centred.T
    if others is None or len(ridges) > 1:
        fits = {ridge: _ridge(centred, inner, goal, ridge * len(flat)) for ridge in ridges}
        ridge = min(fits, key=lambda ridge: float(np.square(goal - fits[ridge]).sum()))
        if others is None:
            return fits[ridge]
    else:
        ridge = ridges[0]
    slope = np.linalg.solve(inner + ridge * len(flat) * np.eye(len(flat)), goal - goal.mean(axis=0))
    return np.asarray((others - mean) @ (centred.T @ slope) + goal.mean(axis=0))


def _ridge(flat: np.ndarray, inner: np.ndarray, goal: np.ndarray, ridge: float) -> np.ndarray:
    """Ridge regression's answer for each row, learned from the others (Allen's PRESS identity)."""
    count, columns = flat.shape
    if columns < count:  # the smaller of two equal systems
        hat = flat @ np.linalg.solve(flat.T @ flat + ridge * np.eye(columns), flat.T)
    else:
        hat = np.linalg.solve(inner + ridge * np.eye(count), inner)
    lever = np.diag(hat) + 1 / count
    mean = goal.mean(axis=0)
    fitted = hat.T @ (goal - mean) + mean
    return goal - (goal - fitted) / np.maximum(1 - lever, LEAST)[:, None]


def score(answer: np.ndarray, goal: np.ndarray, labels: np.ndarray | None) -> float:
    """Accuracy of answers where there are labels, else R²."""
    if labels is not None:
        return float((answer.argmax(axis=1) == labels).mean())
    spread = np.square(goal - goal.mean(axis=0)).sum(axis=0)
    left = np.square(goal - answer).sum(axis=0)
    return float(np.where(spread > 0, 1 - left / np.where(spread > 0, spread, 1), 0).mean())
