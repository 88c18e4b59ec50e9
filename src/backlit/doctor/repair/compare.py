"""Runs on held-out rows: costs row by row, and whether one run's are lower than another's beyond noise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.graph.tensor import value_of
from backlit.nn.layer import Network, forward
from backlit.nn.shapes import rows_at, rows_of
from backlit.train.ensemble import Folds, members
from backlit.train.heads import HeadTargets
from backlit.train.probes.targets import guess_loss
from backlit.train.recipe import Recipe
from backlit.train.result import Result

CAP = 10.0  # times what guessing costs: a network that far off is as useless as any other, NaN or not
SURE = 0.05  # probability that the gain is noise
LEAST = 0.01  # of what it costs before: less isn't worth a change


@dataclass(frozen=True, eq=False)
class Validation:
    """What a run says of the held-out rows.

    Attributes
    ----------
    run : Run
    outputs, y : array (rows, ...), or dict of arrays by output
        Raw outputs, and targets as the run's `Targets` take them.
    """

    run: Result
    outputs: Any
    y: Any


def validate(run: Result, recipe: Recipe) -> Validation:
    """A run on the rows that its recipe holds back; of folds, each row by the member that hasn't seen it."""
    held_back: Any = recipe.training.validation
    if not isinstance(held_back, Folds):
        x, y = held_back
        return Validation(run, *_answers(run, run.inputs(x), run.relative(x, y)))
    inputs, y = run.inputs(recipe.x), run.relative(recipe.x, recipe.y)
    folds = held_back.rows
    if all(np.array_equal(fold, folds[0]) for fold in folds):
        return Validation(run, *_answers(run, *rows_at((inputs, y), folds[0])))
    alone = [dataclasses.replace(run, network=network) for network in members(run.network)]
    parts = [_answers(member, *rows_at((inputs, y), fold)) for member, fold in zip(alone, folds, strict=True)]
    outputs, targets = tree.map(lambda *members: np.concatenate(members), *parts)
    return Validation(run, outputs, targets)


def _answers(run: Result, inputs: Any, y: Any) -> tuple[Any, Any]:
    """Raw outputs for some rows, beside their targets."""
    streams = max((getattr(layer, "stateful", 0) for _, layer in run.network.architecture.walk()), default=0)
    if streams:
        return _read_on(run, inputs, streams), y
    written = run.targets.encode(y, str(run.network.dtype)) if run.targets.kind == "text" else None
    return run.forward(inputs, written), y


def _read_on(run: Result, inputs: Any, streams: int) -> np.ndarray:
    """Outputs for windows of a text in their order, the state carried from each batch to the next, as in training."""
    network = run.network
    state: Any = Network.empty(network.architecture, network.input_shape, str(network.dtype)).state
    parts = []
    for start in range(0, len(inputs), streams):
        rows = inputs[start : start + streams]
        lacking = streams - len(rows)
        rows = np.concatenate([rows, np.repeat(rows[-1:], lacking, axis=0)]) if lacking else rows
        with np.errstate(all="ignore"):
            output, state = forward(
                network.architecture, network.input_shape, network.params, rows, state=state, fresh=np.bool_(start == 0)
            )
        parts.append(np.asarray(value_of(output))[: streams - lacking])
    return np.concatenate(parts)


def costs(validation: Validation, criterion: str, reference: Result) -> np.ndarray:
    """What each held-out row costs (rows,): the less the better; NaN where the network says nothing.

    Parameters
    ----------
    validation : Validation
    criterion : "loss", "error", "balanced loss" or "balanced error"
        The loss; 1 for a row that is called the wrong class, of numbers by the class nearest to them; the same two with
        classes weighed equally.
    reference : Run
        The run at the outset. Numbers are judged by its loss and in its unit, however others were trained.
    """
    run, y = validation.run, validation.y
    with np.errstate(all="ignore"):
        if criterion.endswith("loss"):
            by = _yardstick(run, reference)
            outputs = tree.map(lambda array: array.astype(np.float64), validation.outputs)
            if by is not run:
                outputs = _in_unit_of(by.targets, run.targets, outputs)
            losses = np.asarray(by.loss(outputs, by.targets.encode(y, "float64")), np.float64).reshape(rows_of(y))
            return losses * _weights(y) if criterion == "balanced loss" else losses
        classes, codes = np.unique(y.reshape(len(y)), return_inverse=True)
        called = run.targets.decode(validation.outputs).reshape(len(y))
        if run.targets.kind == "number":
            known = np.isfinite(called)
            called = classes[np.abs(np.where(known, called, 0.0)[:, None] - classes).argmin(axis=1)]
            wrong = np.where(known, (called != classes[codes]).astype(float), 1.0)
        else:
            wrong = (called != classes[codes]).astype(float)
        finite = np.isfinite(validation.outputs.reshape(len(y), -1)).all(axis=1)
        wrong = np.where(finite, wrong, 1.0)
    return wrong if criterion == "error" else wrong * _weights(y)


def _in_unit_of(targets: Any, own: Any, outputs: Any) -> Any:
    """Outputs of numbers as targets in another unit stand for them."""
    if isinstance(targets, HeadTargets):
        return {name: _in_unit_of(other, own.heads[name], outputs[name]) for name, other in targets.heads.items()}
    return targets.encode(own.own_unit(outputs), "float64") if own.scale or targets.scale else outputs


def _weights(y: np.ndarray) -> np.ndarray:
    """Of each row, so that classes count alike and all rows together as many as they are."""
    _, codes, counts = np.unique(y.reshape(len(y)), return_inverse=True, return_counts=True)
    return np.asarray((len(y) / (len(counts) * counts))[codes])


def groups(validation: Validation, criterion: str) -> np.ndarray:
    """Of which group each row is, whose number of rows is no accident: the classes, where they count alike."""
    if not criterion.startswith("balanced"):
        return np.zeros(rows_of(validation.y), dtype=int)
    return np.unique(validation.y.reshape(len(validation.y)), return_inverse=True)[1]


def _yardstick(run: Result, reference: Result) -> Result:
    """The run whose loss and unit costs are told in."""
    return reference if run.targets.kind == reference.targets.kind and run.targets.kind in ("number", "heads") else run


def cap(validation: Validation, criterion: str, reference: Result) -> float:
    """The most that a row can cost in a comparison."""
    if not criterion.endswith("loss"):
        return math.inf
    run = _yardstick(validation.run, reference)
    encoded = run.targets.encode(validation.y, "float64")
    guess = guess_loss(run.loss, run.targets.kind, encoded, run.network.output_shape, None)
    guess = guess * float(_weights(validation.y).max()) if guess and criterion == "balanced loss" else guess
    return CAP * guess if guess and math.isfinite(guess) and guess > 0 else math.inf


def capped(values: np.ndarray, most: float) -> np.ndarray:
    """Costs up to a limit; what isn't finite costs most."""
    if math.isinf(most):
        finite = values[np.isfinite(values)]
        most = CAP * float(np.abs(finite).max()) if len(finite) else 1.0
        return np.where(np.isfinite(values), values, most)
    return np.where(np.isfinite(values), np.minimum(values, most), most)


@dataclass(frozen=True)
class Comparison:
    """Gain of a change over several seeds: means over them and the held-out rows, less cost being better.

    Attributes
    ----------
    gain, error : float
        Mean difference of costs, before less after, and its standard error.
    chance : float
        Probability of such a gain if there were none.
    better : bool
        Beyond noise, and by at least a hundredth.
    most : float
        What the gain is at most, with 95 % confidence.
    """

    gain: float
    error: float
    chance: float
    better: bool
    most: float = math.inf


def holm(chances: Sequence[float], level: float = SURE) -> list[bool]:
    """Which of several tests say something, if the chance that any of them errs is to stay below a level.

    The least chance is held against ``level / m``, the next against ``level / (m - 1)`` and so on, up to the first that
    fails (Holm: A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [True, False, False]
    >>> holm([0.01, 0.02, 0.03])
    [True, True, True]
    """
    told = [False] * len(chances)
    for left, place in zip(
        range(len(chances), 0, -1), sorted(range(len(chances)), key=chances.__getitem__), strict=True
    ):
        if chances[place] >= level / left:
            break
        told[place] = True
    return told


def compare(before: np.ndarray, after: np.ndarray, group: np.ndarray) -> Comparison:
    """A paired test: the same seed and the same held-out rows before and after.

    Both seeds and rows are a sample, so their variances add up: ``SE² = s²_seeds / S + Σ_g (n_g / n)² s²_g / n_g``, the
    first of the seeds' mean differences, the second of the rows' in each group g; t with Welch and Satterthwaite's
    degrees of freedom, one-sided.

    Parameters
    ----------
    before, after : array (seeds, rows)
    group : int array (rows,)

    References
    ----------
    Welch: The generalization of Student's problem, Biometrika 34, 1947.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> before, rows = rng.uniform(1, 2, (3, 50)), np.zeros(50, int)
    >>> compare(before, before - 0.3 + 0.1 * rng.normal(size=(3, 50)), rows).better
    True
    >>> compare(before, before + 0.1 * rng.normal(size=(3, 50)), rows).better
    False
    """
    from scipy.stats import t as student

    difference = before - after
    seeds, rows = difference.shape
    gain = float(difference.mean())
    of_seeds = float(difference.mean(axis=1).var(ddof=1)) / seeds if seeds > 1 else 0.0
    by_row, of_rows = difference.mean(axis=0), 0.0
    for each in np.unique(group):
        values = by_row[group == each]
        if len(values) > 1:
            of_rows += (len(values) / rows) ** 2 * float(values.var(ddof=1)) / len(values)
    variance = of_seeds + of_rows
    if variance == 0:
        chance, most = (0.0 if gain > 0 else 1.0), gain
    else:
        freedom = variance**2 / (of_seeds**2 / max(1, seeds - 1) + of_rows**2 / max(1, rows - 1))
        chance = float(student.sf(gain / math.sqrt(variance), freedom))
        most = gain + math.sqrt(variance) * float(student.isf(SURE, freedom))
    return Comparison(gain, math.sqrt(variance), chance, chance < SURE and gain >= LEAST * float(before.mean()), most)
