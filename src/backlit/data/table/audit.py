"""What makes a score look better than it is: looked for before training, told with numbers.

Nothing here changes the data; each finding is a sentence for the report.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.data.table.column import LeftOut
from backlit.data.table.preparation import TablePreparation
from backlit.data.table.understanding import TELLING, correlation
from backlit.data.table.values import numbers, words

MOST_ROWS = 20_000  # looked at; more would only take longer
PERFECT = 0.9999
CHANCE = 1e-3  # probability of a false alarm about different distributions, over all columns
FEW_COPIES = 0.005  # share of the test rows from which copies of training rows are told of
ALL_DIFFERENT = 0.7  # share of different rows from which equal ones are likely copies
SHIFTED = 0.1  # distance between distributions below which even a certain difference hardly matters


def suspicions(
    frame: Any,
    preparation: TablePreparation,
    y: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    test_frame: Any = None,
) -> list[str]:
    """Sentences about leaks and shifts between training and test rows.

    Parameters
    ----------
    frame : polars.DataFrame
        All rows, or those of the training file.
    preparation : TablePreparation
        Learned from the training rows.
    y : array (rows,)
        The target (the first, if there are several).
    train, test : int arrays
        Their rows.
    test_frame : polars.DataFrame, optional
        Where `test` counts rows of another file.

    Returns
    -------
    list of str
        Duplicated rows, columns that give the target away, identifiers that predict it, shifted distributions.
    """
    part, test_part = frame[_some(train)], (frame if test_frame is None else test_frame)[_some(test)]
    used = [column.name for column in preparation.columns if column.inputs]
    sentences = [_duplicates(frame, used, preparation, train, test, test_frame)] if len(test) else []
    codes, classes = _target_codes(y[_some(train)])
    for column in preparation.columns:
        if isinstance(column, LeftOut):
            if column.what == "identifier":
                sentences.append(_identifier(part[column.name], codes))
        else:
            sentences.append(_gives_away(part[column.name], codes, classes))
    if len(test):
        sentences += _shifts(part, test_part, used)
    return [sentence for sentence in sentences if sentence]


def _target_codes(y: np.ndarray) -> tuple[np.ndarray, int]:
    """The target as numbers, and how many classes there are (0 for numbers)."""
    first = y if y.ndim == 1 else y[:, 0]
    if first.dtype.kind == "f":
        return first, 0
    classes, codes = np.unique(first, return_inverse=True)
    return codes.astype(float), len(classes)


def _some(rows: np.ndarray) -> np.ndarray:
    """At most so many of them, the same each time."""
    if len(rows) <= MOST_ROWS:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))


def _duplicates(
    frame: Any, used: list[str], preparation: TablePreparation, train: np.ndarray, test: np.ndarray, test_frame: Any
) -> str:
    """Test rows that training has seen, target and all."""
    import polars as pl

    names = [*used, *(preparation.target.names if preparation.target else ())]
    if test_frame is None:
        hashes = pl.DataFrame([frame[name] for name in names]).hash_rows().to_numpy()
        train_hashes, test_hashes = hashes[train], hashes[test]
    else:  # another file may have other types for the same values
        names = [name for name in names if name in test_frame.columns]
        texts = (pl.DataFrame([words(table[name]).alias(name) for name in names]) for table in (frame, test_frame))
        train_hashes, test_hashes = (text.hash_rows().to_numpy() for text in texts)
        train_hashes, test_hashes = train_hashes[train], test_hashes[test]
    is_copy = np.isin(test_hashes, train_hashes)
    if is_copy.mean() < FEW_COPIES or len(np.unique(train_hashes)) < ALL_DIFFERENT * len(train_hashes):
        return ""  # where rows are alike by nature, equal ones are no copies
    return (
        f"{int(is_copy.sum())} of {len(is_copy)} test rows ({is_copy.mean():.1%}) also stand in the training rows, "
        "target and all: the test score counts what was only remembered"
    )


def _gives_away(column: Any, target: np.ndarray, classes: int) -> str:
    """Whether one column alone tells the target."""
    ranks = _as_numbers(column)
    is_known = ~np.isnan(ranks)
    if is_known.mean() < 0.5:
        return ""
    ranks, target = ranks[is_known], target[is_known]
    if not classes:
        r = correlation(ranks, target)
        if r < PERFECT:
            return ""
        return f"column {column.name!r} is the target in another unit (|r| = {r:.5f}): is it known when you predict?"
    distinct = len(np.unique(ranks))
    order = np.lexsort((target, ranks))
    changes = int((np.diff(target[order]) != 0).sum())
    pure = _purity(ranks, target)
    # Each value belongs to one class, and values of one class lie together: the column is the target by another name.
    if pure < 1 or changes != classes - 1 or (distinct > len(ranks) / 2 and len(ranks) < 200):
        return ""
    return (
        f"column {column.name!r} alone tells the target in each of {len(ranks)} training rows: "
        "is it known when you predict?"
    )


def _as_numbers(column: Any) -> np.ndarray:
    """Values as numbers, to be compared with others: numbers and dates as they are, levels by their place."""
    if column.dtype.is_numeric():
        return numbers(column)
    if column.dtype.is_temporal():
        return column.to_physical().cast(float).to_numpy()
    return words(column).rank("dense").cast(float).to_numpy()


def _purity(values: np.ndarray, codes: np.ndarray) -> float:
    """Share of rows that have the most frequent class of their value."""
    places = np.unique(values, return_inverse=True)[1]
    pairs, counts = np.unique(np.stack([places, codes]), axis=1, return_counts=True)
    best = np.zeros(int(places.max()) + 1)
    np.maximum.at(best, pairs[0].astype(int), counts)
    return float(best.sum() / len(codes))


def _identifier(column: Any, target: np.ndarray) -> str:
    """An identifier that goes with the target: rows are sorted by it, or it was given out by it."""
    r = correlation(np.argsort(np.argsort(_as_numbers(column), kind="stable")), target)
    if not r > TELLING:
        return ""
    return (
        f"column {column.name!r} only names the rows, and is left out; yet it goes with the target (|r| = {r:.2f}): "
        "rows are sorted, or it was given out by the target"
    )


def _shifts(train: Any, test: Any, used: list[str]) -> list[str]:
    """Columns whose test rows are distributed otherwise than the training rows."""
    sentences = []
    present = set(test.columns)
    for name in used:
        if name not in present:
            continue
        if train[name].dtype.is_numeric() and test[name].dtype.is_numeric():
            parts = [_as_numbers(part[name]) for part in (train, test)]
            first, second = (part[~np.isnan(part)] for part in parts)
            if min(len(first), len(second)) < 20:
                continue
            distance, chance = kolmogorov_smirnov(first, second)
            if chance < CHANCE / len(used) and distance > SHIFTED:
                sentences.append(
                    f"column {name!r} is distributed otherwise in the test rows: median {np.median(second):g} instead "
                    f"of {np.median(first):g} (Kolmogorov-Smirnov distance {distance:.2f})"
                )
        elif not train[name].dtype.is_temporal():
            table = _counts(train[name], test[name])
            if table.shape[1] < 2 or table.sum(axis=1).min() < 20:
                continue
            shares = table / table.sum(axis=1, keepdims=True)
            distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
            if homogeneity(table) < CHANCE / len(used) and distance > SHIFTED:
                sentences.append(
                    f"column {name!r} has other shares of its levels in the test rows "
                    f"(total variation distance {distance:.2f})"
                )
    return sentences


def _counts(first: Any, second: Any) -> np.ndarray:
    """How often each level occurs in either part: (2, levels), rare levels joined."""
    import polars as pl

    both = [words(part).drop_nulls().alias("") for part in (first, second)]
    codes = pl.concat(both).rank("dense").to_numpy().astype(np.int64) - 1
    size, levels = len(both[0]), int(codes.max(initial=-1)) + 1
    table = np.stack([np.bincount(part, minlength=levels) for part in (codes[:size], codes[size:])])
    frequent = table.sum(axis=0) >= 10
    rest = table[:, ~frequent].sum(axis=1, keepdims=True)
    return np.concatenate([table[:, frequent], rest], axis=1) if rest.sum() else table[:, frequent]


def kolmogorov_smirnov(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """The largest distance between two samples' distribution functions, and its probability by chance (asymptotic).

    Importing scipy.stats for it would take longer than training on most tables.
    """
    from scipy.special import kolmogorov

    first, second = np.sort(first), np.sort(second)
    both = np.concatenate([first, second])
    shares = [np.searchsorted(part, both, side="right") / len(part) for part in (first, second)]
    distance = float(np.abs(shares[0] - shares[1]).max())
    return distance, float(kolmogorov(distance * np.sqrt(len(first) * len(second) / len(both))))


def homogeneity(table: np.ndarray) -> float:
    """Probability by chance that two rows of counts differ so much: Pearson's χ² test."""
    from scipy.special import chdtrc

    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    return float(chdtrc(table.shape[1] - 1, ((table - expected) ** 2 / expected).sum()))
