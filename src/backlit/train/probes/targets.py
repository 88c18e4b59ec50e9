"""Facts on targets: their values, what guessing costs, and how rows and classes weigh."""

from __future__ import annotations

from typing import Any

import numpy as np

FENCE = 3.0  # interquartile ranges
HEAVY = 0.5  # of the squared errors that rows beyond the fences make up: then these decide what is learned


def guess_loss(loss: Any, kind: str, y: np.ndarray, outputs: tuple[int, ...], weights: Any) -> float | None:
    """The loss of the best answer that is the same for all rows: what has to be beaten; None if that isn't known.

    For classes the entropy of their shares, for numbers the loss of the mean or the median, whichever is lower.
    """
    w = np.ones(len(y)) if weights is None else weights
    candidates: list[np.ndarray] = []
    if kind == "class":
        real = y >= 0
        spread = np.broadcast_to(w.reshape(-1, *[1] * (y.ndim - 1)), y.shape)
        shares = np.bincount(y[real].astype(int), weights=spread[real], minlength=outputs[-1]) + 1e-9
        shares = shares / shares.sum()
        row = shares if loss.activation == "identity" else np.log(shares)
        if type(loss).__name__ == "Hinge":
            row = np.zeros_like(shares)
        candidates.append(np.broadcast_to(row, (len(y), *outputs)))
    elif kind in ("binary", "multi_label"):
        share = np.clip(np.average(y, axis=0, weights=w), 1e-9, 1 - 1e-9)
        row = share if loss.activation == "identity" else np.log(share / (1 - share))
        candidates.append(np.broadcast_to(row, y.shape))
    elif kind == "number":
        candidates += [np.broadcast_to(a, y.shape) for a in (np.average(y, axis=0, weights=w), np.median(y, axis=0))]
    try:
        dtype = y.dtype if y.dtype.kind == "f" else "float64"
        losses = [np.asarray(loss(np.array(guess, dtype=dtype), y)) for guess in candidates]
        means = [float(np.average(each, weights=w)) for each in losses]
    except (ValueError, TypeError, AttributeError, IndexError):  # a loss of the user's own may want anything
        return None
    return min(means, default=None)


def numbers_of(kind: str, y: np.ndarray, targets: Any) -> dict[str, Any]:
    """Of classes how many there are, and their shares; of numbers their range, mean and spread."""
    if kind in ("class", "binary"):
        values = y[y >= 0].astype(int)
        counts = np.bincount(values.reshape(-1), minlength=2 if kind == "binary" else len(targets.labels.classes))
        return {"classes": len(counts), "shares": [float(f"{c / counts.sum():.6g}") for c in counts[:1000]]}
    if y.dtype.kind != "f" or not y.size:
        return {}
    values_in_unit = np.asarray(targets.own_unit(y))
    told = _tails(y.reshape(len(y), -1)) if np.isfinite(y).all() else {}
    whole = bool((values_in_unit == np.round(values_in_unit)).all())
    distinct = len(np.unique(values_in_unit[:, 0] if values_in_unit.ndim > 1 else values_in_unit)) if whole else None
    return {
        "low": y.min(), "high": y.max(), "mean": y.mean(), "std": y.std(), "whole": whole, "distinct": distinct,
        "bad": float((~np.isfinite(y)).mean()), **told,
    }  # fmt: skip


def _tails(y: np.ndarray) -> dict[str, float]:
    """What rows beyond the outer fences, three interquartile ranges off the quartiles, make up of all squared errors.

    Of a normal distribution hardly anything. J. Tukey, Exploratory Data Analysis, 1977. Empty for several outputs.
    """
    low, high = fences(y)
    square = np.square(y - np.median(y, axis=0))
    if y.shape[1] != 1 or not (high > low).all() or not square.sum() > 0:
        return {}
    outside = (y < low) | (y > high)
    return {"tails": float(square[outside].sum() / square.sum()), "middle": float((high - low)[0] / (2 * FENCE + 1))}


def fences(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tukey's outer fences of each column.

    Examples
    --------
    >>> low, high = fences(np.arange(5.0)[:, None])
    >>> low.tolist(), high.tolist()
    ([-5.0], [9.0])
    """
    quarter, three = np.quantile(y, [0.25, 0.75], axis=0)
    return quarter - FENCE * (three - quarter), three + FENCE * (three - quarter)


def weighing_of(weights: np.ndarray, y: np.ndarray, kind: str) -> dict[str, float]:
    """How many of the rows count, (Σw)² / (n Σw²); the class with the greatest weight: its part of it, and of rows.

    And the class whose rows weigh least: how much, of the mean row's weight, and its part of the rows.

    L. Kish, Survey Sampling, 1965.
    """
    total = weights.sum()
    told = {"effective": float(total**2 / max(len(weights) * np.square(weights).sum(), 1e-300))}
    if kind in ("class", "binary") and y.size == len(y) and total > 0 and y.min() >= 0:
        classes = y.reshape(-1).astype(int)
        by_class = np.bincount(classes, weights=weights) / total
        most = int(by_class.argmax())
        shares = np.bincount(classes) / len(classes)
        of_mean = np.where(shares > 0, by_class / np.where(shares > 0, shares, 1.0), np.inf)
        least = int(of_mean.argmin())
        told |= {
            "most": float(by_class[most]), "share": float(shares[most]), "least": float(of_mean[least]),
            "least_class": least, "least_share": float(shares[least]),
        }  # fmt: skip
    return told


def of_targets(y: np.ndarray, targets: Any) -> dict[str, Any]:
    """Facts on targets as a loss takes them, under "targets"."""
    return {"targets": numbers_of(targets.kind, y, targets)}
