"""Rare classes of a run whose data is at hand: how many of their held-out rows are found, and how well told apart."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from backlit.doctor.symptoms import COMMON
from backlit.errors import BacklitError
from backlit.graph import tree
from backlit.nn.shapes import rows_at

MOST_ROWS = 4096
_kept: weakref.WeakKeyDictionary[Any, tuple[Any, dict[str, float]]] = weakref.WeakKeyDictionary()


def rare_rows(run: Any) -> dict[str, float]:
    """Of the classes but the commonest on held-out rows: "recall", "auc" against it, and "rows", how many they are.

    Empty unless the run is of one network on imbalanced classes, and knows the rows that it held back.
    """
    facts = (run.start or {}).get("data") or {}
    shares = (facts.get("held_targets") or {}).get("shares")
    recipe = getattr(run, "recipe", None)
    if not shares or recipe is None or not COMMON <= max(shares) < 1 or recipe.training.ensemble > 1 or recipe.streamed:
        return {}
    if recipe not in _kept or _kept[recipe][0]() is not run.network:  # preparing all rows takes its time
        _kept[recipe] = weakref.ref(run.network), _of_run(run, recipe, shares)
    return dict(_kept[recipe][1])


def _of_run(run: Any, recipe: Any, shares: list[float]) -> dict[str, float]:
    try:
        split = recipe.prepared().examples().split
    except BacklitError:
        return {}
    if split.validation is None:
        return {}
    numbers = split.validation[0]  # in an order that may be that of the classes
    rows = numbers[np.sort(np.random.default_rng(recipe.training.seed).permutation(len(numbers))[:MOST_ROWS])]
    held = rows_at({"x": split.inputs, "y": split.encoded}, rows)
    outputs = run.forward(held["x"])
    if len(tree.leaves(outputs)) != 1 or held["y"].size != len(rows):
        return {}
    return told_apart(np.asarray(outputs, np.float64), held["y"].reshape(-1).astype(int), int(np.argmax(shares)))


def told_apart(outputs: np.ndarray, labels: np.ndarray, common: int) -> dict[str, float]:
    """Recall of the classes other than the common one, and the AUC of the score against it.

    Parameters
    ----------
    outputs : array (rows, classes), or (rows, 1) of a score for class 1
    labels : int array (rows,)
    common : int

    Examples
    --------
    >>> told_apart(np.array([[2.0, 1.0], [1.0, 2.0], [2.0, 1.5], [3.0, 0.0]]), np.array([0, 1, 1, 0]), 0)
    {'recall': 0.5, 'auc': 1.0, 'rows': 2.0}
    """
    if outputs.shape[-1] == 1:
        outputs = np.concatenate([np.zeros_like(outputs), outputs], axis=1)
    rare = labels != common
    if not rare.any() or rare.all() or not np.isfinite(outputs).all():
        return {}
    others = np.delete(outputs, common, axis=1).max(axis=1)
    score = others - outputs[:, common]
    more = score[rare][:, None] - score[~rare][None]
    auc = float((more > 0).mean() + 0.5 * (more == 0).mean())
    recall = float((outputs.argmax(axis=1) == labels)[rare].mean())
    return {"recall": recall, "auc": auc, "rows": float(rare.sum())}
