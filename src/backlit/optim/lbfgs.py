"""L-BFGS for small problems on all the data at once, through SciPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import InputError, NonFiniteError
from backlit.graph import tree

Tree = Any


@dataclass(frozen=True, eq=False)
class LbfgsResult:
    """What a minimisation found.

    Attributes
    ----------
    params : tree of arrays
        The best parameters, in the structure and types of the start.
    value : float
        The function there.
    steps : int
        Iterations done.
    evaluations : int
        Calls of the function.
    converged : bool
        Whether it ended by itself, at a minimum within the tolerance.
    message : str
        Why it ended, and if it failed, what to try.
    history : list of float
        The value at the start and after each iteration.
    """

    params: Tree
    value: float
    steps: int
    evaluations: int
    converged: bool
    message: str
    history: list[float]


def minimize_lbfgs(
    value_and_grad_fn: Callable[[Tree], tuple[Any, Tree]],
    params: Tree,
    *,
    max_steps: int = 1000,
    tolerance: float = 1e-6,
    memory: int = 10,
) -> LbfgsResult:
    """Minimise a function of a tree of parameters by L-BFGS: curvature from the last few gradients, and a line search.

    Parameters
    ----------
    value_and_grad_fn : callable
        ``value_and_grad_fn(params) -> (value, gradients)``, such as ``bl.value_and_grad(f)``; the same every time
        (all the data, no dropout).
    params : tree of arrays
        Where to start. SciPy works in float64; the function is called with the arrays' own type.
    max_steps : int
        Iterations at most.
    tolerance : float
        It has converged when no element of the gradient is larger, or when a step changes the value by no more than
        its precision (some ten roundings of the parameters' type).
    memory : int
        Pairs of steps and gradients kept.

    Raises
    ------
    InputError
        If an option is out of its range, there are no parameters, or value and gradient don't fit them.
    NonFiniteError
        If value or gradient is NaN or infinite at the start, or where the search ended.

    References
    ----------
    R. Byrd, P. Lu, J. Nocedal, C. Zhu, "A Limited Memory Algorithm for Bound Constrained Optimization", 1995.

    Examples
    --------
    >>> import numpy as np
    >>> def bowl(params):
    ...     away = params["w"] - np.array([1.0, -2.0])
    ...     return (away**2).sum(), {"w": 2 * away}
    >>> result = minimize_lbfgs(bowl, {"w": np.zeros(2)})
    >>> result.converged, result.params["w"].round(6).tolist()
    (True, [1.0, -2.0])
    """
    _check(max_steps=max_steps, memory=memory)
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 <= tolerance < np.inf:
        raise InputError(f"minimize_lbfgs: tolerance must be a number in [0, ∞), got {tolerance!r}")
    from scipy.optimize import minimize

    vector = _Vector(params)
    history: list[float] = []
    latest = {"value": np.nan}

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradients = value_and_grad_fn(vector.tree(flat))
        if np.shape(value) != ():
            raise InputError(f"minimize_lbfgs: the value must be a scalar, got shape {np.shape(value)}")
        slope = vector.flat(gradients)
        latest["value"] = float(value)
        if not history:
            history.append(latest["value"])
            if not (np.isfinite(history[0]) and np.isfinite(slope).all()):
                raise NonFiniteError(
                    f"minimize_lbfgs: value {history[0]} or its gradient isn't finite at the start; start elsewhere, "
                    "or scale the data"
                )
        return latest["value"], slope

    outcome = minimize(
        objective,
        vector.flat(params),
        jac=True,
        method="L-BFGS-B",
        callback=lambda intermediate_result: history.append(float(intermediate_result.fun)),
        options={
            "maxiter": int(max_steps),
            "maxfun": 20 * int(max_steps) + 20,
            "maxcor": int(memory),
            "gtol": float(tolerance),
            "ftol": 10 * vector.precision,
        },
    )
    if not (np.isfinite(outcome.fun) and np.isfinite(outcome.x).all()):
        raise NonFiniteError(
            f"minimize_lbfgs: the value became {outcome.fun} after {outcome.nit} steps; start nearer, or scale the data"
        )
    largest = float(np.abs(outcome.jac).max())
    converged = outcome.status == 0 or largest <= tolerance
    if largest <= tolerance:
        message = f"converged: no element of the gradient is larger than {tolerance:g}"
    elif converged:
        message = f"converged: the value no longer changes, at a gradient of up to {largest:.3g}"
    elif outcome.status == 1:
        message = (
            f"stopped after {outcome.nit} steps with a gradient of up to {largest:.3g}, above tolerance={tolerance:g}; "
            "raise max_steps or the tolerance"
        )
    else:
        message = (
            f"stopped after {outcome.nit} steps with a gradient of up to {largest:.3g}: no step along the search "
            "direction lowers the value. Either the gradient is wrong (check_gradients tells), the function has kinks, "
            "or its precision is at an end"
        )
    return LbfgsResult(
        vector.tree(outcome.x), float(outcome.fun), int(outcome.nit), int(outcome.nfev), converged, message, history
    )


class _Vector:
    """A tree of arrays as one float64 vector, and back."""

    def __init__(self, params: Tree) -> None:
        leaves, self._structure = tree.flatten(params)
        self._leaves = [np.asarray(leaf) for leaf in leaves]
        self._ends = np.cumsum([leaf.size for leaf in self._leaves])
        if not self._leaves or not self._ends[-1]:
            raise InputError("minimize_lbfgs: there are no parameters to change")
        self._paths = tree.paths(params)
        for path, leaf in zip(self._paths, self._leaves, strict=True):
            if leaf.dtype.kind != "f":
                raise InputError(
                    f"minimize_lbfgs: {path or 'params'} must hold floating-point numbers, got {leaf.dtype}"
                )

    @property
    def precision(self) -> float:
        """The coarsest rounding among the parameters."""
        return float(max(np.finfo(leaf.dtype).eps for leaf in self._leaves))

    def tree(self, flat: np.ndarray) -> Tree:
        parts = np.split(flat, self._ends[:-1])
        shaped = [part.reshape(leaf.shape).astype(leaf.dtype) for part, leaf in zip(parts, self._leaves, strict=True)]
        return tree.unflatten(self._structure, shaped)

    def flat(self, values: Tree) -> np.ndarray:
        parts = [np.asarray(part) for part in tree.leaves(values)]
        if [part.shape for part in parts] != [leaf.shape for leaf in self._leaves]:
            expected = {path: leaf.shape for path, leaf in zip(self._paths, self._leaves, strict=True)}
            got = {path: np.shape(leaf) for path, leaf in tree.items(values)}
            raise InputError(f"minimize_lbfgs: gradients must have the parameters' shapes {expected}, got {got}")
        return np.concatenate([part.reshape(-1).astype(np.float64) for part in parts])


def _check(**counts: Any) -> None:
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise InputError(f"minimize_lbfgs: {name} must be a whole number of at least 1, got {value!r}")
