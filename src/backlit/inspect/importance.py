"""Importance: how much a run's score depends on each column, by permutation and by gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.data.preparation import preparation_of
from backlit.errors import InputError, ShapeError
from backlit.graph import tree
from backlit.graph.derivatives import grad
from backlit.languages import Template
from backlit.nn.shapes import rows_at, rows_of
from backlit.train.heads import HeadTargets

if TYPE_CHECKING:
    from backlit.train.result import Result

MOST_ROWS = 5000  # looked at; more would only take longer
ROWS = 1024  # of one gradient
_COLUMN = Template("column {n}", "{n}번 열")  # of data that has no names


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
        (None for embedded categories, whose codes have no gradient). Of a network of several inputs the "column" is an
        input as a whole; with several outputs "outputs" tells what the loss of each gains.
    """

    measure: str
    score: float
    rows: list[dict[str, Any]]

    def plot(self) -> Any:
        """The most important columns as bars, a matplotlib figure."""
        from backlit.inspect.plots import importance

        return importance(self)


def importance(run: Result, x: Any, y: Any, *, repeats: int = 5, seed: int = 0) -> Importance:
    """How much a run depends on each column of its input, or on each of several inputs.

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
    if isinstance(repeats, bool) or not isinstance(repeats, int) or repeats < 1:
        raise InputError(f"repeats must be a whole number of at least 1, got {repeats!r}")
    several = run.network.input_names
    if not several and run.network.takes_integers:
        raise InputError("importance compares columns of numbers; this run reads tokens, such as a text's words")
    inputs, y = run.inputs(x), run.relative(x, y) if run.network.output_names else np.asarray(y)
    if not several and inputs.ndim != 2:
        raise ShapeError(f"importance needs rows of columns, got inputs of shape {inputs.shape}")
    count = rows_of(inputs)
    for targets in tree.leaves(y):
        if len(targets) != count:
            raise ShapeError(f"x has {count} rows and y {len(targets)}: they must be equal")
    if not count:
        raise InputError("there are no rows to measure importance on")
    rng = np.random.default_rng(seed)
    if count > MOST_ROWS:
        inputs, y = rows_at((inputs, y), np.sort(rng.choice(count, MOST_ROWS, replace=False)))
    parts = _inputs(run, inputs) if several else _columns(run, inputs)
    return _worth(run, (inputs, y), parts, repeats, rng)


@dataclass(frozen=True, eq=False)
class _Part:
    """What is shuffled at once: a column, or one of several inputs.

    Attributes
    ----------
    name : str
    shuffled : callable
        ``shuffled(inputs, order)``: the inputs with this part of each row taken from another.
    gradient : float or None
    """

    name: str
    shuffled: Callable[[Any, np.ndarray], Any]
    gradient: float | None


def _worth(
    run: Result, data: tuple[Any, Any], parts: list[_Part], repeats: int, rng: np.random.Generator
) -> Importance:
    """What each part of inputs is worth, with their targets."""
    inputs, y = data
    whole = run.score(run.forward(inputs), y)
    measure = next((name for name in ("accuracy", "r2") if name in whole), "loss")
    sign = -1 if measure == "loss" else 1
    rows: list[dict[str, Any]] = []
    for part in parts:
        orders = [rng.permutation(rows_of(inputs)) for _ in range(repeats)]
        scores = [run.score(run.forward(part.shuffled(inputs, order)), y) for order in orders]
        lost = [sign * (whole[measure] - each[measure]) for each in scores]
        gained = {name: float(np.mean([each[name] - whole[name] for each in scores])) for name in _losses(run)}
        row = {
            "column": part.name,
            "lost": float(np.mean(lost)),
            "spread": float(np.std(lost)),
            "loss": gained.pop("loss"),
            "gradient": part.gradient,
        }
        rows.append(row | ({"outputs": {k.removesuffix("_loss"): v for k, v in gained.items()}} if gained else {}))
    return Importance(measure, whole[measure], sorted(rows, key=lambda row: -row["loss"]))


def _losses(run: Result) -> list[str]:
    return ["loss", *(f"{name}_loss" for name in run.network.output_names)]


def _columns(run: Result, inputs: np.ndarray) -> list[_Part]:
    """The user's columns, with the inputs that each became."""
    count = inputs.shape[1]
    places = preparation_of(run.preparation).places() or [(_COLUMN.say(n=i), slice(i, i + 1)) for i in range(count)]
    shares = _gradient_shares(run, inputs)

    def part(name: str, place: slice) -> _Part:
        def shuffled(rows: np.ndarray, order: np.ndarray) -> np.ndarray:
            changed = rows.copy()
            changed[:, place] = rows[order, place]
            return changed

        return _Part(name, shuffled, None if _is_code(run, place) else float(shares[place].sum()))

    return [part(name, place) for name, place in places]


def _inputs(run: Result, inputs: dict[str, np.ndarray]) -> list[_Part]:
    """The inputs by their names, each as a whole."""
    moved = {name: float(part.sum()) for name, part in _moved(run, inputs).items()}
    total = sum(moved.values())

    def part(name: str) -> _Part:
        share = moved[name] / total if name in moved and total else moved.get(name)
        return _Part(name, lambda rows, order: {**rows, name: rows[name][order]}, share)

    return [part(name) for name in inputs]


def _is_code(run: Result, place: slice) -> bool:
    embedded = len(preparation_of(run.preparation).embedded)
    return bool(place.start >= run.network.input_shape[0] - embedded)


def _gradient_shares(run: Result, inputs: np.ndarray) -> np.ndarray:
    """Share of each input in Σ|∂ŷ/∂x · x|, ŷ the output of the predicted class, or the sum of the outputs."""
    moved = _moved(run, {"x": inputs}, lambda parts: parts["x"])["x"]
    return moved / moved.sum() if moved.sum() else moved


def _moved(run: Result, inputs: dict[str, Any], joined: Callable[[Any], Any] = lambda parts: parts) -> dict[str, Any]:
    """Σ|∂ŷ/∂x · x| over the rows, for each number of each real input; over several outputs the mean of their shares.

    `joined` makes what the network takes of inputs by name.
    """
    real = {name: part for name, part in inputs.items() if part.dtype.kind == "f"}
    if not real:
        return {}
    heads = run.targets.heads if isinstance(run.targets, HeadTargets) else {"": run.targets}
    total: dict[str, Any] = dict.fromkeys(real, 0.0)
    for head, targets in heads.items():
        moved: dict[str, Any] = {name: np.zeros(part.shape[1:]) for name, part in real.items()}
        for start in range(0, rows_of(inputs), ROWS):
            some = rows_at(inputs, slice(start, start + ROWS))
            slopes = _slopes(run, some, list(real), joined, (head, targets))
            for name, slope in slopes.items():
                moved[name] += np.abs(np.asarray(slope) * some[name]).sum(axis=0, dtype=np.float64)
        whole = sum(part.sum() for part in moved.values()) if len(heads) > 1 else 1.0
        for name, part in moved.items():
            total[name] = total[name] + (part / whole if whole else part)
    return total


def _slopes(
    run: Result, x: dict[str, Any], names: list[str], joined: Callable[[Any], Any], head: tuple[str, Any]
) -> dict[str, Any]:
    """∂ŷ/∂x of an output by the inputs of these names, ŷ that of the predicted class, or the sum of the outputs."""
    name, targets = head
    pick: Callable[[Any], Any] = lambda outputs: outputs[name] if name else outputs  # noqa: E731
    outputs = pick(run.forward(joined(x)))
    weights = np.ones_like(outputs)
    if targets.kind == "class":
        weights = (np.arange(outputs.shape[-1]) == outputs.argmax(axis=-1)[..., None]).astype(outputs.dtype)
    slopes: dict[str, Any] = grad(lambda real: (pick(run.network(joined({**x, **real}))) * weights).sum())(
        {each: x[each] for each in names}
    )
    return slopes
