"""The perceptron: a step activation, and a learning rule that needs no derivative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.nn.hyperparameters import above_zero, check, whole
from backlit.nn.layer import Network
from backlit.nn.layers.activations import Step
from backlit.nn.layers.containers import Sequential
from backlit.nn.layers.linear import Linear


@dataclass(frozen=True)
class Perceptron:
    """``ŷ = step(w · x + b)``, learned row by row: ``w ← w + η (y - ŷ) x``, ``b ← b + η (y - ŷ)``.

    A row that is classified rightly changes nothing. If some line (a hyperplane) separates the two classes, with
    every row, extended by a 1 for the bias, at most R long and at least γ from it, then there are at most (R / γ)²
    changes: Novikoff's theorem. If none does, the rule never comes to rest.

    Parameters
    ----------
    learning_rate : float
        η; since weights start at zero it changes their size, not the decisions.
    epochs : int
        Most passes over the rows.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> both = Perceptron().fit(x, [0, 0, 0, 1])
    >>> both.converged, both.predict(x).tolist()
    (True, [0, 0, 0, 1])
    >>> print(Perceptron(epochs=100).fit(x, [0, 1, 1, 0]).message)
    not converged: 2 of 4 rows are wrong after 100 epochs, and no line separates these classes (a hidden layer can)

    Two layers of them, with these weights, compute exclusive or: "one or the other, and not both".

    >>> import backlit as bl
    >>> xor = bl.Sequential(bl.Linear(2), bl.Step(), bl.Linear(1), bl.Step()).build((2,)).replace(
    ...     params={
    ...         "0": {"weight": np.array([[1.0, 1.0], [1.0, 1.0]]), "bias": np.array([-0.5, -1.5])},  # or, and
    ...         "2": {"weight": np.array([[1.0, -1.0]]), "bias": np.array([-0.5])},  # or, but not and
    ...     }
    ... )
    >>> xor(x)[:, 0].tolist()
    [0.0, 1.0, 1.0, 0.0]

    References
    ----------
    Rosenblatt: The perceptron, Psychological Review 65, 1958. Novikoff: On convergence proofs on perceptrons, 1962.
    """

    learning_rate: float = above_zero(1.0)
    epochs: int = whole(1000)

    def __post_init__(self) -> None:
        check(self)

    def fit(self, x: Any, y: Any) -> TrainedPerceptron:
        """Learn to tell two classes apart.

        Parameters
        ----------
        x : array (rows, features)
        y : array or list (rows,)
            Two kinds of label; the one that sorts last is the output 1.

        Returns
        -------
        TrainedPerceptron

        Raises
        ------
        ShapeError, InputError
            If the shapes don't fit, a number isn't finite or there aren't two classes.
        """
        inputs, labels = np.asarray(x, dtype=np.float64), np.asarray(y)
        if inputs.ndim != 2 or labels.shape != inputs.shape[:1]:
            raise ShapeError(
                f"Perceptron: x needs shape (rows, features) and y (rows,), got {inputs.shape} and {labels.shape}"
            )
        if not np.isfinite(inputs).all():
            raise InputError("Perceptron: x holds NaN or infinite numbers; remove or replace them")
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) != 2:
            raise InputError(f"Perceptron: y must hold two classes, got {len(classes)}: {classes[:5].tolist()}")
        extended = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
        w = np.zeros(extended.shape[1])
        updates = epochs = 0
        while epochs < self.epochs:
            before, epochs = updates, epochs + 1
            for row, target in zip(extended, codes, strict=True):
                error = target - (row @ w > 0)
                if error:
                    w += self.learning_rate * error * row
                    updates += 1
            if updates == before:
                break
        wrong = int(np.sum((extended @ w > 0) != codes))
        return TrainedPerceptron(
            w[:-1], float(w[-1]), classes, not wrong, updates, epochs, _message(extended, codes, wrong, updates, epochs)
        )


def _message(extended: np.ndarray, codes: np.ndarray, wrong: int, updates: int, epochs: int) -> str:
    if not wrong:
        return f"converged: every row is right after {updates} changes in {epochs} epochs"
    start = f"not converged: {wrong} of {len(codes)} rows are wrong after {epochs} epochs"
    if separable(extended, codes):
        return f"{start}, though a line separates these classes: give it more epochs, or scale the inputs"
    return f"{start}, and no line separates these classes (a hidden layer can)"


def separable(extended: np.ndarray, codes: np.ndarray) -> bool:
    """Whether some w has ``w · row ≥ 1`` for rows of class 1 and ``≤ -1`` for rows of class 0: a linear program."""
    from scipy.optimize import linprog

    signed = np.where(codes == 1, -1.0, 1.0)[:, None] * extended
    solution = linprog(np.zeros(extended.shape[1]), A_ub=signed, b_ub=-np.ones(len(signed)), bounds=(None, None))
    return bool(solution.status == 0)


@dataclass(frozen=True, eq=False, repr=False)
class TrainedPerceptron:
    """What `Perceptron.fit` found.

    Attributes
    ----------
    weights : array (features,)
    bias : float
    classes : array (2,)
        The labels for the outputs 0 and 1.
    converged : bool
        Whether every row is classified rightly.
    updates, epochs : int
        Changes made, and passes over the rows.
    message : str
        How it ended, in words.
    """

    weights: np.ndarray
    bias: float
    classes: np.ndarray
    converged: bool
    updates: int
    epochs: int
    message: str

    def predict(self, x: Any) -> np.ndarray:
        """The label of each row of ``x: (rows, features)``."""
        inputs = np.asarray(x, dtype=np.float64)
        if inputs.ndim != 2 or inputs.shape[1] != len(self.weights):
            raise ShapeError(f"Perceptron: x needs shape (rows, {len(self.weights)}), got {inputs.shape}")
        return self.classes[(inputs @ self.weights + self.bias > 0).astype(int)]

    @property
    def network(self) -> Network:
        """The same as a network: a `Linear` of one unit and a `Step`."""
        params = {"0": {"weight": self.weights[None], "bias": np.array([self.bias])}}
        return Network(Sequential(Linear(1), Step()), params, self.weights.shape)

    def __repr__(self) -> str:
        return f"TrainedPerceptron({self.message})"
