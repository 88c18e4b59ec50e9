"""Importance: how much a run's score depends on each column, by permutation and by gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.data.preparation import preparation_of
from backlit.errors import InputError, ShapeError
from backlit.graph.derivatives import grad

if TYPE_CHECKING:
    from backlit.train.result import Result

MOST_ROWS = 5000  # looked at; more would only take longer
ROWS = 1024  # of one gradient


@dataclass(frozen=True, eq=False)
class Importance:
    """Columns with what each is worth, most important first.

    Attributes
    ----------
    measure : str
        The score that is lost: "accuracy" or "r2" ("loss" for runs that measure neither).
    score : float
        With all columns as they are.
    rows : list of dict
        "column"; "lost" and "spread": mean and standard deviation of the score lost when the column's values are
        shuffled among the rows; "loss": what the loss gains by it; "gradient": the column's share of Σ|∂ŷ/∂x · x|
        (None for embedded categories, whose codes have no gradient).
    """

    measure: str
    score: float
    rows: list[dict[str, Any]]

    def plot(self) -> Any:
        """The most important columns as bars, a matplotlib figure."""
        from backlit.inspect.plots import importance

        return importance(self)


def importance(run: Result, x: Any, y: Any, *, repeats: int = 5, seed: int = 0) -> Importance:
    """How much a run depends on each column of its input.

    Permutation importance (L. Breiman, "Random forests", 2001): the score lost when one column is shuffled, so that it
    tells nothing any more. Columns that tell the same share their importance, or hide each other's. Gradient × input
    (A. Shrikumar et al., "Not just a black box", 2016, arXiv:1605.01713) asks how far each input moves the output,
    away from where it is 0, its mean in training.

    Parameters
    ----------
    run : Run
    x, y : as given to `fit`
        Best rows that the run wasn't trained on.
    repeats : int
        Shuffles of each column.
    seed : int

    Raises
    ------
    InputError
        If there are no rows, or repeats isn't at least 1.
    ShapeError
        If the inputs aren't columns, or rows and targets don't go together.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> run = bl.fit(bl.Linear(1), x, 3 * x[:, 1], epochs=20, optimizer=bl.Adam(0.1), seed=0)
    >>> found = bl.importance(run, x, 3 * x[:, 1])
    >>> [row["column"] for row in found.rows], round(found.rows[0]["gradient"], 2)
    (['column 1', 'column 0'], 1.0)
    """
    if run.network.takes_integers:
        raise InputError("importance compares columns of numbers; this run reads tokens, such as a text's words")
    if isinstance(repeats, bool) or not isinstance(repeats, int) or repeats < 1:
        raise InputError(f"repeats must be a whole number of at least 1, got {repeats!r}")
    y = np.asarray(y)
    inputs = run.inputs(x)
    if inputs.ndim != 2:
        raise ShapeError(f"importance needs rows of columns, got inputs of shape {inputs.shape}")
    if len(inputs) != len(y):
        raise ShapeError(f"x has {len(inputs)} rows and y {len(y)}: they must be equal")
    if not len(y):
        raise InputError("there are no rows to measure importance on")
    rng = np.random.default_rng(seed)
    if len(y) > MOST_ROWS:
        subset = np.sort(rng.choice(len(y), MOST_ROWS, replace=False))
        inputs, y = inputs[subset], y[subset]
    whole = run.score(run.forward(inputs), y)
    measure = next((name for name in ("accuracy", "r2") if name in whole), "loss")
    sign = -1 if measure == "loss" else 1
    shares = _gradient_shares(run, inputs)
    rows = []
    for name, place in _columns(run, inputs.shape[1]):
        lost, gained = [], []
        for _ in range(repeats):
            shuffled = inputs.copy()
            shuffled[:, place] = inputs[rng.permutation(len(inputs)), place]
            scores = run.score(run.forward(shuffled), y)
            lost.append(sign * (whole[measure] - scores[measure]))
            gained.append(scores["loss"] - whole["loss"])
        rows.append(
            {
                "column": name,
                "lost": float(np.mean(lost)),
                "spread": float(np.std(lost)),
                "loss": float(np.mean(gained)),
                "gradient": None if _is_code(run, place) else float(shares[place].sum()),
            }
        )
    return Importance(measure, whole[measure], sorted(rows, key=lambda row: -row["loss"]))


def _columns(run: Result, inputs: int) -> list[tuple[str, slice]]:
    """The user's columns, with the inputs that each became."""
    return preparation_of(run.preparation).places() or [(f"column {i}", slice(i, i + 1)) for i in range(inputs)]


def _is_code(run: Result, place: slice) -> bool:
    embedded = len(preparation_of(run.preparation).embedded)
    return place.start >= run.network.input_shape[0] - embedded


def _gradient_shares(run: Result, inputs: np.ndarray) -> np.ndarray:
    """Share of each input in Σ|∂ŷ/∂x · x|, ŷ the output of the predicted class, or the sum of the outputs."""
    total = np.zeros(inputs.shape[1])
    for start in range(0, len(inputs), ROWS):
        x = inputs[start : start + ROWS]
        outputs = run.forward(x)
        weights = np.ones_like(outputs)
        if run.targets.kind == "class":
            weights = (np.arange(outputs.shape[1]) == outputs.argmax(axis=1)[:, None]).astype(outputs.dtype)
        slope = grad(lambda x, weights=weights: (run.network(x) * weights).sum())(x)
        total += np.abs(np.asarray(slope) * x).sum(axis=0, dtype=np.float64)
    return total / total.sum() if total.sum() else total
