"""Training rows beside rows held back: whether inputs are alike, and whether what one part teaches holds in the other.

A small model that tells held-out rows from training rows does so by chance only, if both were drawn alike (a
classifier two-sample test; Lopez-Paz and Oquab, ICLR 2017). Where it can't, but simple models that predict the rows of
one part fail on the other's, it is the labels that differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.train.probes.baselines import answers, score

ROWS = 256  # of each part
SOME = 60  # columns by which parts are told apart
RIDGE = 0.1  # times the number of rows
FEWEST, FOLDS = 20, 4
MOST_COLUMNS = 5000
SURELY = 2.0  # standard errors
MOVED = 3.0  # numbers are looked at within so many standard deviations: single rows far away tell nothing


def parts_of(
    x: np.ndarray,
    y: np.ndarray,
    held_x: np.ndarray,
    held_y: np.ndarray,
    kind: str,
    *,
    stretch: tuple[np.ndarray, np.ndarray] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """What tells the parts apart.

    Parameters
    ----------
    x, held_x : array (rows, ...)
        Finite numbers. Of more than are looked at, some are drawn.
    y, held_y : array (rows,) or (rows, outputs)
        As the loss takes them.
    kind : str
        Of target.
    stretch : (x, y), optional
        Held-out rows that follow one another; the first ones of `held_x` if left out.
    seed : int
        Draws the rows.

    Returns
    -------
    dict
        "apart", the AUC of a ridge regression on numbers and squares that tells held-out rows, each fold judged by the
        others; "moved" and "stretched", how far the most different column's mean lies off (in standard deviations) and
        how many times its spread differs, at "column"; "rows", "held". If targets are known: "inner", the best simple
        model's score on training rows, "across" the same model's on held-out rows, "within" its score when held-out
        rows learn from each other, "recoded" the score across with classes renamed or numbers rescaled, "next" with
        each label moved by a row, "levelled" with numbers moved to the level of the held-out ones, which lie "drift"
        standard deviations off, and "guess" and "guess_inner", the scores of the best constant answers. Classes are
        scored by balanced accuracy, the mean of their recalls, which no change of their shares changes; "counted" and
        "counted_inner" are the rows that it is as sure as. Empty if too few rows can be told.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, held = rng.normal(size=(200, 3)), rng.normal(size=(100, 3))
    >>> told = parts_of(x, (x[:, 0] > 0).astype(int), held + 5, (held[:, 0] > 0).astype(int), "class")
    >>> told["apart"] > 0.9, told["moved"] > 4
    (True, True)
    """
    stretch = (held_x, held_y) if stretch is None else stretch
    rng = np.random.default_rng(seed)
    drawn, held_drawn = (rng.permutation(len(part))[:ROWS] for part in (x, held_x))
    x, y, held_x, held_y = x[drawn], y[drawn], held_x[held_drawn], held_y[held_drawn]
    one, other, along = (part.reshape(len(part), -1).astype(np.float64) for part in (x, held_x, stretch[0][:ROWS]))
    if min(len(one), len(other)) < FEWEST or not 0 < one.shape[1] <= MOST_COLUMNS or not np.isfinite(other).all():
        return {}
    mean, std = one.mean(axis=0), one.std(axis=0)
    still = std <= 1e-7 * np.maximum(np.abs(mean), 1e-30)
    both = np.concatenate([one, other])
    spread = np.where(still, np.where(both.std(axis=0) > 0, both.std(axis=0), 1.0), std)
    one, other, along = ((part - mean) / spread for part in (one, other, along))
    moved = np.abs(other.mean(axis=0))
    wide = np.maximum(other.std(axis=0), 1e-6) / np.maximum(one.std(axis=0), 1e-6)
    stretched = np.where(still, 1.0, np.maximum(wide, 1 / wide))
    column = int(np.argmax(np.maximum(moved, np.log2(np.maximum(stretched, 1.0)))))
    told = {
        "rows": len(one), "held": len(other), "apart": _auc(one, other), "column": column,
        "moved": float(moved[column]), "stretched": float(stretched[column]),
    }  # fmt: skip
    if kind not in ("class", "binary", "number") or y.size != len(y) or held_y.size != len(held_y):
        return told
    one, other, along = (np.clip(part, -MOVED, MOVED) for part in (one, other, along))
    along_y = stretch[1][:ROWS]
    if not np.isfinite(along).all() or not np.isfinite(along_y).all():
        along, along_y = along[:0], along_y[:0]
    taught = _numbers if kind == "number" else _classes
    return told | taught(one, y.reshape(-1), other, held_y.reshape(-1), (along, along_y.reshape(-1)))


def token_shares(
    x: np.ndarray, others: list[np.ndarray], padding: float | None = None
) -> tuple[list[np.ndarray], np.ndarray]:
    """The commonest tokens' shares of each row's tokens, of rows and of others; and which tokens these are.

    Of `others` the first are the held-out rows, which have a say in what is common. What rows are filled up with is
    no token, so that shorter rows have the same shares.

    Examples
    --------
    >>> shares, tokens = token_shares(np.array([[3, 3, 5, 5]]), [np.array([[5, 5, 5, 0]])], padding=0)
    >>> tokens.tolist(), [part.tolist() for part in shares]
    ([3, 5], [[[0.5, 0.5]], [[0.0, 1.0]]])
    """
    seen = [part.reshape(len(part), -1) for part in (x, *others)]
    some = np.concatenate([part[:ROWS].reshape(-1) for part in seen[:2]])
    values, times = np.unique(some if padding is None else some[some != padding], return_counts=True)
    tokens = np.sort(values[np.argsort(-times, kind="stable")[:SOME]])
    shares = []
    for part in seen:
        lengths = np.full(len(part), part.shape[1]) if padding is None else (part != padding).sum(axis=1)
        counts = [(part == token).sum(axis=1) / np.maximum(lengths, 1) for token in tokens]
        shares.append(np.stack(counts, axis=1) if counts else np.zeros((len(part), 0)))
    return shares, tokens


def by_shares(one: np.ndarray, other: np.ndarray) -> dict[str, Any]:
    """As `parts_of`, "apart", "column" and "moved" of the shares that tokens have of each row's.

    Of few tokens shares vary more, so neither squares nor a column's spread tell anything of where they are from.
    """
    one, other = one[:ROWS], other[:ROWS]
    spread = one.std(axis=0)
    spread = np.where(spread > 0, spread, np.concatenate([one, other]).std(axis=0))
    spread = np.where(spread > 0, spread, 1.0)
    moved = np.abs(other.mean(axis=0) - one.mean(axis=0)) / spread
    column = int(moved.argmax())
    return {"apart": _auc(one / spread, other / spread, False), "column": column, "moved": float(moved[column])}


def told_by_rank(one: np.ndarray, other: np.ndarray) -> float:
    """The AUC of a number that tells one part's rows from the other's, whichever way it does.

    Examples
    --------
    >>> told_by_rank(np.array([1, 2, 3]), np.array([0, 0, 0]))
    1.0
    """
    more = one[:, None] - other[None]
    return 0.5 + abs(float((more > 0).mean() + 0.5 * (more == 0).mean()) - 0.5)


def _auc(one: np.ndarray, other: np.ndarray, squares: bool = True) -> float:
    """How often a held-out row is held for one rather than a training row is, of the same fold."""
    both = np.concatenate([one, other])
    both = both[:, :: -(-both.shape[1] // SOME)]
    bounded = np.clip(both, -MOVED, MOVED)
    features = np.concatenate([bounded, np.square(bounded)], axis=1) if squares else both
    held = np.repeat([0.0, 1.0], [len(one), len(other)])
    fold = np.concatenate([np.arange(len(one)), np.arange(len(other))]) % FOLDS  # as many of each in every fold
    right = pairs = 0.0
    for each in range(FOLDS):
        out = fold == each
        told = answers(features[~out], held[~out, None], "linear", features[out], (RIDGE,))[:, 0]
        more = told[held[out] > 0][:, None] - told[held[out] == 0][None]
        right, pairs = right + float((more > 0).sum() + 0.5 * (more == 0).sum()), pairs + more.size
    return right / pairs


def _numbers(
    one: np.ndarray, y: np.ndarray, other: np.ndarray, held_y: np.ndarray, stretch: tuple[np.ndarray, np.ndarray]
) -> dict[str, Any]:
    """What the rows of each part teach of their own part's numbers, and of the other's."""
    goal, held, along_y = (_bounded(part.astype(np.float64))[:, None] for part in (y, held_y, stretch[1]))
    inner = {name: score(answers(one, goal, name), goal, None) for name in ("linear", "neighbours")}
    best = max(inner, key=lambda name: inner[name])
    told, along = (answers(one, goal, best, part) for part in (other, stretch[0]))
    return {
        "inner": inner[best], "guess_inner": 0.0,
        "within": max(score(answers(other, held, name), held, None) for name in ("linear", "neighbours")),
        **fitting(told, held, together=False, spread=float(goal.std())),
        "next": moved_by_one(along, along_y),
    }  # fmt: skip


def fitting(told: np.ndarray, held: np.ndarray, together: bool, spread: float | None = None) -> dict[str, float]:
    """R² of answers for numbers as they are, rescaled, moved to their level, and by a row where rows are `together`.

    "drift" is by how much they are off, of the `spread` of the numbers that were learned from, or of these.
    """
    drift = float((held - told).mean())
    return {
        "across": score(told, held, None), "recoded": _correlation(told[:, 0], held[:, 0]) ** 2,
        "levelled": score(told + drift, held, None), "guess": 0.0,
        "drift": drift / max(float(held.std()) if spread is None else spread, 1e-30),
        "next": moved_by_one(told, held) if together else 0.0,
    }  # fmt: skip


def moved_by_one(told: np.ndarray, held: np.ndarray) -> float:
    """R² of answers for numbers that stand a row before, or behind; 0 of none."""
    return max(score(told, np.roll(held, by, axis=0), None) for by in (-1, 1)) if len(told) else 0.0


def _bounded(values: np.ndarray) -> np.ndarray:
    """Numbers near the middle nine tenths, by half their range: of single ones far away no score must hang."""
    if not len(values):
        return values
    low, high = np.quantile(values, [0.05, 0.95])
    reach = (high - low) / 2
    return values if reach <= 0 else np.clip(values, low - reach, high + reach)


def _classes(
    one: np.ndarray, y: np.ndarray, other: np.ndarray, held_y: np.ndarray, stretch: tuple[np.ndarray, np.ndarray]
) -> dict[str, Any]:
    """What the rows of each part teach of their own part's classes, and of the other's."""
    labels, held_labels, along_labels = (part.astype(int) for part in (y, held_y, stretch[1]))
    if min(labels.min(), held_labels.min(), along_labels.min(initial=0)) < 0:
        return {}
    if min(len(np.unique(labels)), len(np.unique(held_labels))) < 2:
        return {}  # of one class there is nothing to tell
    count = max(labels.max(), held_labels.max(), along_labels.max(initial=0)) + 1
    goal, held = np.eye(count)[labels], np.eye(count)[held_labels]
    inner = {name: balanced(answers(one, goal, name), labels) for name in ("linear", "neighbours")}
    best = max(inner, key=lambda name: inner[name])
    told, along = (answers(one, goal, best, part) for part in (other, stretch[0]))
    several = len(np.unique(along_labels)) > 1
    return {
        "inner": inner[best], "across": balanced(told, held_labels),
        "within": max(balanced(answers(other, held, name), held_labels) for name in ("linear", "neighbours")),
        "next": max(balanced(along, np.roll(along_labels, by)) for by in (-1, 1)) if several else 0.0,
        "recoded": renamed(told, held_labels),
        "guess": 1 / len(np.unique(held_labels)), "guess_inner": 1 / len(np.unique(labels)),
        "counted": counted(held_labels), "counted_inner": counted(labels),
    }  # fmt: skip


def balanced(answer: np.ndarray, labels: np.ndarray) -> float:
    """The mean of the classes' recalls."""
    right = answer.argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def counted(labels: np.ndarray) -> float:
    """How many rows of equally common classes have as sure a balanced accuracy: K² / Σ 1/n."""
    counts = np.unique(labels, return_counts=True)[1]
    return float(len(counts) ** 2 / (1 / counts).sum())


def renamed(told: np.ndarray, labels: np.ndarray) -> float:
    """Balanced accuracy if each class that is told stood for the one that it mostly meets, no two for the same.

    Which one that is, is read from one half of each class's rows and judged by the other, so that nothing is gained by
    chance: of many classes and few rows, the best of all namings fits far more rows than guessing does.

    Examples
    --------
    >>> labels = np.arange(60) % 3
    >>> renamed(np.eye(3)[(labels + 1) % 3], labels)
    1.0
    """
    said, count = told.argmax(axis=1), max(told.shape[1], int(labels.max()) + 1)
    half = np.empty(len(labels), int)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        half[own] = np.arange(len(own)) % 2
    right = np.zeros(len(labels), bool)
    for each in (0, 1):
        names = _names(said[half != each], labels[half != each], count)
        right[half == each] = names[said[half == each]] == labels[half == each]
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def _names(said: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """The class that each class that is told stands for (classes,), the likeliest pairs first; or its own."""
    pairs = np.zeros((count, count))
    np.add.at(pairs, (said, labels), 1)
    pairs /= np.maximum(pairs.sum(axis=0), 1)
    pairs += np.eye(count) / (1 + len(labels)) ** 2  # less than any row counts
    names = np.zeros(count, int)
    for _ in range(count):
        row, column = np.unravel_index(pairs.argmax(), pairs.shape)
        names[row] = column
        pairs[row], pairs[:, column] = -1, -1
    return names


def honestly_moved(targets: np.ndarray, kind: str) -> float:
    """How well answers that are right may fit targets of the row before or behind, where rows are like these.

    Of numbers with autocorrelation ρ the best answers to anything that is known of the row reach an R² of
    1 - (1 - ρ)² there at most: 2 cov(answer, neighbour) = 2 ρ of a unit variance, less the answer's own, which is ρ² or
    more. Of classes any likeness may be all that is known, and then answers fit the neighbour alone: 1. What is
    within two standard errors of none counts as such, and adds to ρ.

    Examples
    --------
    >>> honestly_moved(np.repeat([0, 1, 2, 0, 1, 2], 20), "class")
    1.0
    """
    rows = len(targets)
    if kind == "number":
        values = _bounded(targets.astype(np.float64))
        likeness = _correlation(values[1:], values[:-1]) + SURELY / np.sqrt(rows)
        return float(1 - (1 - np.clip(likeness, 0.0, 1.0)) ** 2)
    shares = np.unique(targets, return_counts=True)[1] / rows
    chance = float(np.square(shares).sum())
    error = np.sqrt(chance * (1 - chance) / (rows - 1))
    alike = float((targets[1:] == targets[:-1]).mean())
    return 1.0 if alike > chance + SURELY * error else 0.0


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    spread = one.std() * other.std()
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 0 else 0.0
