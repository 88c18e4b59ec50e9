"""What columns, rows and their order tell by themselves: the target itself, codes for missing values, rows far away."""

from __future__ import annotations

from typing import Any

import numpy as np

MOST_COLUMNS = 4096
PURE = 0.98  # of the rows have the class that goes with their value
GAP = 12.0  # pooled standard deviations between the nearest classes' means
SAME = 0.999  # correlation with the target, beyond which a column is the target
CODE = 3.0  # times the range of all others, by which a code stands apart
FEWEST_CODES, LEAST_CODED, MOST_CODED = 3, 0.005, 0.7  # rows, and shares of them
FEWEST_VALUES = 10  # beside a code
FAR = 100.0  # times the range from the twentieth to the nineteenth twentieth
FEW = 0.02  # of the rows may lie so far away


def leaking(x: np.ndarray, y: np.ndarray, kind: str) -> dict[str, Any]:
    """The column that is as good as the target, if one is: "column", "agreement" and how many "values" it takes.

    A column is, if its values name the class (as many values as classes, each with one class), lie in groups by class
    that are far apart, or are the number itself but for shift and scale.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(200, 3)), rng.integers(0, 2, 200)
    >>> x[:, 1] = 5 * y
    >>> leaking(x, y, "class")["column"]
    1
    """
    flat = x.reshape(len(x), -1).astype(np.float64)
    if y.size != len(y) or flat.shape[1] < 2 or flat.shape[1] > MOST_COLUMNS or len(x) < 20:
        return {}
    target = y.reshape(-1).astype(np.float64)
    centred = flat - flat.mean(axis=0)
    if kind == "number":
        spread = np.sqrt(np.square(centred).mean(axis=0)) * target.std()
        with np.errstate(all="ignore"):
            alike = np.abs(centred.T @ (target - target.mean())) / len(x) / spread
        alike = np.where(np.isfinite(alike), alike, 0.0)
        column = int(alike.argmax())
        return {"column": column, "agreement": float(alike[column])} if alike[column] > SAME else {}
    if kind not in ("class", "binary") or len(np.unique(target)) < 2:
        return {}
    classes, codes = np.unique(target, return_inverse=True)
    counts = np.bincount(codes)
    if counts.min() < 2:
        return {}
    sums = np.zeros((len(classes), flat.shape[1]))
    np.add.at(sums, codes, flat)
    means = sums / counts[:, None]
    pooled = np.sqrt(np.square(flat - means[codes]).mean(axis=0))
    nearest = np.diff(np.sort(means, axis=0), axis=0).min(axis=0)
    apart = nearest / np.maximum(pooled, 1e-12 * np.maximum(np.abs(flat).max(axis=0), 1e-300))
    column = int(apart.argmax())
    if apart[column] > GAP:
        return {"column": column, "agreement": 1.0}
    return _named(flat, codes, len(classes))


def _named(flat: np.ndarray, codes: np.ndarray, classes: int) -> dict[str, Any]:
    """A column of as many values as there are classes, of which each nearly always goes with one class."""
    for column in range(flat.shape[1]):
        values, place = np.unique(flat[:, column], return_inverse=True)
        if len(values) != classes:
            continue
        pairs = np.zeros((classes, classes))
        np.add.at(pairs, (place, codes), 1)
        agreement = float(pairs.max(axis=1).sum() / len(codes))
        if agreement >= PURE and len(set(pairs.argmax(axis=1))) == classes:
            return {"column": column, "agreement": agreement}
    return {}


def coded(x: np.ndarray) -> dict[str, Any]:
    """A number that stands far apart from its column's others, and comes again and again: "code", "column", "share".

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> x[::10, 1] = -999
    >>> coded(x)["code"], coded(x)["column"]
    (-999.0, 1)
    """
    flat = x.reshape(-1, x.shape[-1]).astype(np.float64)
    best: dict[str, Any] = {}
    for column, values in enumerate(flat.T[:MOST_COLUMNS]):
        for code in (values.min(), values.max()):
            own = values == code
            share = float(own.mean())
            if own.sum() < FEWEST_CODES or not LEAST_CODED <= share <= MOST_CODED or code == 0:
                continue
            others = values[~own]
            if len(others) < FEWEST_VALUES or len(np.unique(others[:1000])) < FEWEST_VALUES:
                continue
            gap, spread = np.abs(others - code).min(), np.ptp(others)
            if gap > CODE * spread and share > best.get("share", 0.0):
                best = {"code": float(code), "column": column, "share": share, "times": float(gap / spread)}
    return best


def far_away(x: np.ndarray) -> dict[str, Any]:
    """Rows with a number far outside of its column's usual range: how many, and how many times that range.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> x[3, 1] = 1e6
    >>> told = far_away(x)
    >>> told["rows"], told["column"], told["times"] > 1e5
    (1, 1, True)
    """
    flat = x.reshape(-1, x.shape[-1]).astype(np.float64)[:, :MOST_COLUMNS]
    low, middle, high = np.quantile(flat, [0.05, 0.5, 0.95], axis=0)
    spread = high - low
    off = np.abs(flat - middle) / np.where(spread > 0, spread, np.inf)
    times = off.max(axis=0)
    column = int(times.argmax())
    rows = int((off > FAR).any(axis=1).sum())
    if not rows or rows > max(1, FEW * len(flat)):
        return {}
    return {"rows": rows, "share": rows / len(flat), "column": column, "times": float(times[column])}


def order_of(y: np.ndarray, kind: str) -> dict[str, float]:
    """Whether rows stand in the order of their targets: "alike", how neighbours agree, from 0 (by chance) to 1.

    Examples
    --------
    >>> order_of(np.repeat([0, 1], 50), "class")["alike"] > 0.9
    True
    """
    if y.size != len(y) or len(y) < 20 or kind not in ("class", "binary", "number"):
        return {}
    values = y.reshape(-1).astype(np.float64)
    if kind == "number":
        spread = np.square(values - values.mean()).mean()
        return {"alike": float(1 - np.square(np.diff(values)).mean() / (2 * spread))} if spread > 0 else {}
    shares = np.unique(values, return_counts=True)[1] / len(values)
    chance = float(np.square(shares).sum())
    if chance >= 1:
        return {}
    return {"alike": float(((values[1:] == values[:-1]).mean() - chance) / (1 - chance))}


def tokens_of(x: np.ndarray) -> dict[str, float]:
    """Of whole numbers that stand for tokens: how many there are, and the commonest one's share; 0 is padding."""
    real = x[x > 0] if (x > 0).any() else x.reshape(-1)
    values, counts = np.unique(real, return_counts=True)
    return {
        "distinct": float(len(values)), "most": float(counts.max() / counts.sum()),
        "commonest": float(values[counts.argmax()]),
    }  # fmt: skip
