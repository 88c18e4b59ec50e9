"""What columns, rows and their order tell by themselves: the target itself, codes for missing values, rows far away."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

MOST_COLUMNS = 4096
PURE = 0.98  # of the rows with a value have the class that goes with it, and of that class' rows so many have it
GAP = 7.44  # standard deviations, of the widest class, between the nearest classes' means: of normal ones, a threshold
# between them is wrong of one row in 10,000
BEYOND = 12.0  # likewise: so far apart are no classes that a measured quantity tells
SPREADS_ALIKE = 4.0  # standard errors
SAME = 0.999  # correlation with the target, beyond which a column is the target
CODE = 3.0  # times the range of all others, by which a code stands apart
FEWEST_CODES, LEAST_CODED, MOST_CODED = 3, 0.005, 0.7  # rows, and shares of them
FEWEST_VALUES = 10  # beside a code
FAR = 100.0  # times the range from the twentieth to the nineteenth twentieth
FEW = 0.02  # of the rows may lie so far away
BATCHES = 64  # that are looked at, and rows of each


def leaking(x: np.ndarray, y: np.ndarray, kind: str) -> dict[str, Any]:
    """The column that is as good as the target, if one is: "column", "agreement" and how many "values" it takes.

    A column is, if its values name the class (as many values as classes, each with one class), lie in groups by class
    that are far apart, or are the number itself but for shift and scale. Groups of honest measurements may be apart,
    too: then classes are spread by a nature of their own, and other columns tell them as well; a label with noise
    added spreads alike in each class.

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
    means = _by_class(flat, codes, counts)
    spreads = np.sqrt(_by_class(np.square(flat - means[codes]), codes, counts))
    widest = spreads.max(axis=0)
    nearest = np.diff(np.sort(means, axis=0), axis=0).min(axis=0)
    apart = nearest / np.maximum(widest, 1e-12 * np.maximum(np.abs(flat).max(axis=0), 1e-300))
    apart = np.maximum(apart, _cores_apart(flat, codes, apart))
    order = np.argsort(-apart)
    alone = len(order) < 2 or apart[order[1]] <= GAP / 2
    for column in order[: int((apart > GAP).sum())]:
        if apart[column] <= BEYOND and not (alone and _alike(spreads[:, column], counts)):
            continue
        if len(np.unique(flat[:, column])) > len(classes):  # of others each value is looked at
            return {"column": int(column), "agreement": 1.0}
    return _named(flat, codes, len(classes))


def _cores_apart(flat: np.ndarray, codes: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """How far classes lie apart, going by the rows of each that are nearest to its median, `PURE` of them.

    As many may be wrong of a column that is the target. They alone spread a class by a seventh of the distance, so only
    columns are looked at that are half as far apart; what is no farther than `BEYOND` counts as it did.
    """
    found = np.zeros(len(apart))
    some = np.flatnonzero(apart > 1 / (2 * np.sqrt(1 - PURE)))
    medians, spreads = [], []
    for code in range(codes.max() + 1):
        own = flat[codes == code][:, some]
        middle = np.median(own, axis=0)
        off = np.sort(np.abs(own - middle), axis=0)[: max(1, int(np.ceil(PURE * len(own))))]
        medians.append(middle)
        spreads.append(np.sqrt(np.square(off).mean(axis=0)))
    nearest = np.diff(np.sort(medians, axis=0), axis=0).min(axis=0)
    cores = nearest / np.maximum(np.max(spreads, axis=0), 1e-12 * np.maximum(np.abs(flat[:, some]).max(axis=0), 1e-300))
    found[some] = np.where(cores > BEYOND, cores, 0.0)
    return found


def _alike(spreads: np.ndarray, counts: np.ndarray) -> bool:
    """Whether all classes are spread as one is, but for chance: a standard deviation's logarithm errs by 1/√(2n)."""
    if spreads.min() <= 0:
        return False
    logs, weights = np.log(spreads), 2.0 * (counts - 1)
    off = np.abs(logs - np.average(logs, weights=weights)) * np.sqrt(weights)
    return bool(off.max() <= SPREADS_ALIKE)


def _by_class(values: np.ndarray, codes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Means of columns in each class."""
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, codes, values)
    return np.asarray(sums / counts[:, None])


def _named(flat: np.ndarray, codes: np.ndarray, classes: int) -> dict[str, Any]:
    """A column of as many values as there are classes, each of which nearly always goes with one class, and it with it.

    A value that is rarely taken could else go with any class, and a rare class with any value.
    """
    for column in range(flat.shape[1]):
        values, place = np.unique(flat[:, column], return_inverse=True)
        if len(values) != classes:
            continue
        pairs = np.zeros((classes, classes))
        np.add.at(pairs, (place, codes), 1)
        of_values, of_classes = pairs.max(axis=1) / pairs.sum(axis=1), pairs.max(axis=0) / pairs.sum(axis=0)
        agreement = float(min(of_values.min(), of_classes.min()))
        if agreement >= PURE and len(set(pairs.argmax(axis=1))) == classes:
            return {"column": column, "agreement": agreement}
    return {}


def naming(x: np.ndarray, y: np.ndarray, kind: str) -> dict[str, Any]:
    """The place of a token that names the class, each its own, if there is one: the text's next letter, given away.

    Examples
    --------
    >>> x = np.random.default_rng(0).integers(0, 9, (200, 4))
    >>> naming(x, x[:, 3], "class")
    {'column': 3, 'agreement': 1.0}
    """
    if kind != "class" or y.size != len(y) or x.ndim != 2 or x.shape[1] < 2 or len(x) < 20:
        return {}
    classes, codes = np.unique(y.reshape(-1), return_inverse=True)
    if len(classes) < 2:
        return {}
    for column in range(min(x.shape[1], MOST_COLUMNS)):
        values, place = np.unique(x[:, column], return_inverse=True)
        if not len(classes) / 2 <= len(values) <= 2 * len(classes):
            continue
        pairs = np.zeros((len(values), len(classes)))
        np.add.at(pairs, (place, codes), 1)
        pure = (pairs.max(axis=axis) / pairs.sum(axis=axis) for axis in (0, 1))
        agreement = min(float(shares.mean()) for shares in pure)
        if agreement >= PURE:
            return {"column": column, "agreement": agreement}
    return {}


def _columns(x: np.ndarray, real: np.ndarray | None) -> np.ndarray:
    """Values (rows, columns), where x has time steps or pixels of all of them, or of those that are real."""
    return (x.reshape(-1, x.shape[-1]) if real is None else x[real]).astype(np.float64)[:, :MOST_COLUMNS]


def codes_in(x: np.ndarray, real: np.ndarray | None = None) -> list[dict[str, Any]]:
    """Numbers that stand far apart from their column's others, and come again and again, the commonest first.

    Parameters
    ----------
    x : array (rows, ..., columns)
        May have gaps.
    real : bool array (rows, steps), optional
        Which time steps count; all of them otherwise.

    Returns
    -------
    list of dict
        "code", "column", "share" of the values, and how many "times" the others' range it lies from them.
    """
    found: list[dict[str, Any]] = []
    for column, values in enumerate(_columns(x, real).T):
        known = values[np.isfinite(values)]
        for code in (known.min(), known.max()) if len(known) else ():
            own = known == code
            share = float(own.mean())
            if own.sum() < FEWEST_CODES or not LEAST_CODED <= share <= MOST_CODED or code == 0:
                continue
            others = known[~own]
            if len(others) < FEWEST_VALUES or len(np.unique(others[:1000])) < FEWEST_VALUES:
                continue
            gap, spread = np.abs(others - code).min(), np.ptp(others)
            if gap > CODE * spread:
                found.append({"code": float(code), "column": column, "share": share, "times": float(gap / spread)})
    return sorted(found, key=lambda each: -float(each["share"]))


def coded(x: np.ndarray, real: np.ndarray | None = None) -> dict[str, Any]:
    """The commonest of `codes_in`; empty if there is none.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> x[::10, 1] = -999
    >>> coded(x)["code"], coded(x)["column"]
    (-999.0, 1)
    """
    return next(iter(codes_in(x, real)), {})


def _distances(x: np.ndarray, real: np.ndarray | None) -> np.ndarray:
    """How far each value lies from its column's middle, in its usual ranges: array (values, columns), 0 at gaps."""
    flat = _columns(x, real)
    flat = np.where(np.isfinite(flat), flat, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns of gaps alone
        low, middle, high = np.nanquantile(flat, [0.05, 0.5, 0.95], axis=0)
    spread = high - low
    off = np.abs(flat - middle) / np.where(spread > 0, spread, np.inf)
    return np.where(np.isfinite(off), off, 0.0)


def far_rows(x: np.ndarray, real: np.ndarray | None = None) -> np.ndarray:
    """Which rows have a number far outside of its column's usual range (rows,); none if it is more than a few.

    A row is one whatever its time steps or pixels; of these the `real` ones (rows, steps) count.
    """
    found = np.zeros(len(x), bool)
    far = np.asarray((_distances(x, real) > FAR).any(axis=1))
    owner = np.repeat(np.arange(len(x)), max(1, len(far) // max(1, len(x)))) if real is None else np.nonzero(real)[0]
    if far.sum() <= max(1, FEW * len(far)):
        found[owner[far]] = True
    return found


def far_away(x: np.ndarray, real: np.ndarray | None = None) -> dict[str, Any]:
    """How many rows are `far_rows`, and how many times its usual range the farthest number lies outside.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> x[3, 1] = 1e6
    >>> told = far_away(x)
    >>> told["rows"], told["column"], told["times"] > 1e5
    (1, 1, True)
    """
    rows = int(far_rows(x, real).sum())
    if not rows:
        return {}
    times = _distances(x, real).max(axis=0)
    column = int(times.argmax())
    return {"rows": rows, "share": rows / len(x), "column": column, "times": float(times[column])}


def batches_of(rows: int, size: int) -> np.ndarray:
    """Places (batches, rows of each) by which batches of rows in their order can be judged: at most BATCHES² of them.

    Examples
    --------
    >>> batches_of(9, 3).tolist()
    [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    >>> batches_of(10**9, 1000).shape
    (64, 64)
    """
    size = max(2, min(size, rows))
    first = np.arange(rows // size) * size
    few = (
        first[np.unique(np.linspace(0, len(first) - 1, min(len(first), BATCHES)).astype(int))] if len(first) else first
    )
    within = np.unique(np.linspace(0, size - 1, min(size, BATCHES)).astype(int))
    return np.asarray(few[:, None] + within[None])


def order_of(y: np.ndarray, kind: str) -> dict[str, float]:
    """Whether rows stand in the order of their targets, as batches see it.

    Parameters
    ----------
    y : array (batches, rows of each, ...)
        Targets as the loss takes them.
    kind : str

    Returns
    -------
    dict
        "alike": 1 - the spread of targets within batches / that of all, from 0 (by chance) to 1 (one target a batch);
        of numbers the variance, of classes the probability that two rows differ.

    Examples
    --------
    >>> order_of(np.repeat([0, 1], 50)[batches_of(100, 10)], "class")["alike"]
    1.0
    """
    if kind not in ("class", "binary", "number") or y.ndim < 2 or y.size != y.shape[0] * y.shape[1] or y.size < 20:
        return {}
    values = y.reshape(y.shape[:2]).astype(np.float64)
    if len(values) < 2:
        return {}
    if kind == "number":
        within, whole = float(values.var(axis=1, ddof=1).mean()), float(values.var(ddof=1))
    else:
        within, whole = float(np.mean([_differ(batch) for batch in values])), _differ(values.reshape(-1))
    return {"alike": 1 - within / whole} if whole > 0 else {}


def _differ(labels: np.ndarray) -> float:
    """How probably two rows have different labels."""
    counts = np.unique(labels, return_counts=True)[1]
    return float(1 - (counts * (counts - 1)).sum() / (len(labels) * (len(labels) - 1)))


def tokens_of(x: np.ndarray) -> dict[str, float]:
    """Of whole numbers that stand for tokens: how many there are, and the commonest one's share; 0 is padding."""
    real = x[x > 0] if (x > 0).any() else x.reshape(-1)
    values, counts = np.unique(real, return_counts=True)
    return {
        "distinct": float(len(values)), "most": float(counts.max() / counts.sum()),
        "commonest": float(values[counts.argmax()]),
    }  # fmt: skip
