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
MOVED = 3.0  # numbers are looked at within so many standard deviations: single rows far away tell nothing


def parts_of(x: np.ndarray, y: np.ndarray, held_x: np.ndarray, held_y: np.ndarray, kind: str) -> dict[str, Any]:
    """What tells the parts apart.

    Parameters
    ----------
    x, held_x : array (rows, ...)
        Finite numbers.
    y, held_y : array (rows,) or (rows, outputs)
        As the loss takes them; held-out rows in their own order.
    kind : str
        Of target.

    Returns
    -------
    dict
        "apart", the AUC of a ridge regression on numbers and squares that tells held-out rows, each fold judged by the
        others; "moved" and "stretched", how far the most different column's mean lies off (in standard deviations) and
        how many times its spread differs, at "column"; "rows", "held". If targets are known: "inner", the best simple
        model's score on training rows, "across" the same model's on held-out rows, "within" its score when held-out
        rows learn from each other, "recoded" the score across with classes renamed or numbers rescaled, "next" with
        each label moved by a row, and "guess", that of the best constant answer on held-out rows. Empty if too few
        rows can be told.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, held = rng.normal(size=(200, 3)), rng.normal(size=(100, 3))
    >>> told = parts_of(x, (x[:, 0] > 0).astype(int), held + 5, (held[:, 0] > 0).astype(int), "class")
    >>> told["apart"] > 0.9, told["moved"] > 4
    (True, True)
    """
    one, other = (part.reshape(len(part), -1)[:ROWS].astype(np.float64) for part in (x, held_x))
    if min(len(one), len(other)) < FEWEST or one.shape[1] > MOST_COLUMNS or not np.isfinite(other).all():
        return {}
    mean, std = one.mean(axis=0), one.std(axis=0)
    still = std <= 1e-7 * np.maximum(np.abs(mean), 1e-30)
    both = np.concatenate([one, other])
    spread = np.where(still, np.where(both.std(axis=0) > 0, both.std(axis=0), 1.0), std)
    one, other = (one - mean) / spread, (other - mean) / spread
    moved = np.abs(other.mean(axis=0))
    wide = np.maximum(other.std(axis=0), 1e-6) / np.maximum(one.std(axis=0), 1e-6)
    stretched = np.where(still, 1.0, np.maximum(wide, 1 / wide))
    column = int(np.argmax(np.maximum(moved, np.log2(np.maximum(stretched, 1.0)))))
    told = {
        "rows": len(one), "held": len(other), "apart": _auc(one, other), "column": column,
        "moved": float(moved[column]), "stretched": float(stretched[column]),
    }  # fmt: skip
    simple = kind in ("class", "binary", "number") and y.size == len(y) and held_y.size == len(held_y)
    return told | (_taught(one, y[:ROWS], other, held_y[:ROWS], kind) if simple else {})


def _auc(one: np.ndarray, other: np.ndarray) -> float:
    """How often a held-out row is held for one rather than a training row is, of the same fold."""
    bounded = np.clip(np.concatenate([one, other]), -MOVED, MOVED)
    bounded = bounded[:, :: -(-bounded.shape[1] // SOME)]
    features = np.concatenate([bounded, np.square(bounded)], axis=1)
    held = np.repeat([0.0, 1.0], [len(one), len(other)])
    fold = np.concatenate([np.arange(len(one)), np.arange(len(other))]) % FOLDS  # as many of each in every fold
    right = pairs = 0.0
    for each in range(FOLDS):
        out = fold == each
        told = answers(features[~out], held[~out, None], "linear", features[out], (RIDGE,))[:, 0]
        more = told[held[out] > 0][:, None] - told[held[out] == 0][None]
        right, pairs = right + float((more > 0).sum() + 0.5 * (more == 0).sum()), pairs + more.size
    return right / pairs


def _taught(one: np.ndarray, y: np.ndarray, other: np.ndarray, held_y: np.ndarray, kind: str) -> dict[str, Any]:
    """What the rows of each part teach of their own part, and of the other."""
    classes = kind != "number"
    y, held_y = (part.reshape(-1).astype(int if classes else np.float64) for part in (y, held_y))
    if classes:
        if min(y.min(), held_y.min()) < 0:
            return {}
        count = max(y.max(), held_y.max()) + 1
        goal, held = np.eye(count)[y], np.eye(count)[held_y]
    else:
        goal, held = y[:, None], held_y[:, None]
    labels, held_labels = (y, held_y) if classes else (None, None)
    inner = {name: score(answers(one, goal, name), goal, labels) for name in ("linear", "neighbours")}
    within = max(score(answers(other, held, name), held, held_labels) for name in ("linear", "neighbours"))
    best = max(inner, key=lambda name: inner[name])
    told = answers(one, goal, best, other)
    moved = [score(told, np.roll(held, by, axis=0), np.roll(held_y, by) if classes else None) for by in (-1, 1)]
    return {
        "inner": inner[best], "across": score(told, held, held_labels), "within": within, "next": max(moved),
        "recoded": _renamed(told, held_y) if classes else float(_correlation(told[:, 0], held_y) ** 2),
        "guess": float(np.bincount(held_y).max() / len(held_y)) if classes else 0.0,
        "guess_inner": float(np.bincount(y).max() / len(y)) if classes else 0.0,
    }  # fmt: skip


def _renamed(told: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy if each class that is told stood for the one that it mostly meets, no two for the same."""
    pairs = np.zeros((told.shape[1], told.shape[1]))
    np.add.at(pairs, (told.argmax(axis=1), labels), 1)
    right = 0.0
    for _ in range(len(pairs)):
        row, column = np.unravel_index(pairs.argmax(), pairs.shape)
        right += max(0.0, pairs[row, column])
        pairs[row], pairs[:, column] = -1, -1
    return right / len(labels)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    spread = one.std() * other.std()
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 0 else 0.0
