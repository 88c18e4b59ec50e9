"""Penalties on parameters: total = data loss + λ·R(W).

Biases, and the scales, shifts and slopes of normalisations and activations, are left out by default: they don't
make a function steeper from input to output, and pulling them to zero only moves it.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from backlit.errors import InputError
from backlit.graph import tree
from backlit.graph.ops.arithmetic import abs as absolute
from backlit.graph.ops.arithmetic import square
from backlit.nn.hyperparameters import at_least_zero, check, short_repr
from backlit.nn.layer import Params

EXEMPT = ("bias", "scale", "shift", "slope")  # last parts of the paths that are left out


@dataclass(frozen=True)
class Penalty:
    """Base of all penalties: ``penalty(params) -> scalar``; penalties can be added.

    Examples
    --------
    A penalty of one's own is any function of the parameters; `weights` picks those that the others would:

    >>> import backlit as bl, numpy as np
    >>> from backlit.nn.penalties import weights
    >>> def small_sums(params):
    ...     return sum(bl.ops.square(weight.sum()) for weight in weights(params))
    >>> float(small_sums({"0": {"weight": np.array([[1.0, 2.0]]), "bias": np.array([5.0])}}))
    9.0
    """

    numbers: ClassVar[tuple[str, ...]] = ()  # fields that `__call__` takes as arrays, too: see `train.numbers`

    def __post_init__(self) -> None:
        """Check strengths against their range."""
        check(self)

    def __call__(self, params: Params) -> Any:
        """The penalty of a tree of parameters, one number."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, params)")

    def __add__(self, other: Penalty) -> Penalties:
        if not isinstance(other, Penalty):
            return NotImplemented
        return Penalties((*_terms(self), *_terms(other)))

    def __repr__(self) -> str:
        return short_repr(self)


@dataclass(frozen=True, repr=False)
class Penalties(Penalty):
    """The sum of some penalties; made with ``+``."""

    terms: tuple[Penalty, ...]

    def __call__(self, params: Params) -> Any:
        return _total([term(params) for term in self.terms])

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.terms))


def _terms(penalty: Penalty) -> tuple[Penalty, ...]:
    return penalty.terms if isinstance(penalty, Penalties) else (penalty,)


def _total(parts: list[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _times(strength: Any, total: Any) -> Any:
    """``strength · total`` in the type of the total; the strength may be an argument of a compiled program."""
    return strength * total if isinstance(strength, (float, int)) else total * strength.astype(total.dtype)


def weights(params: Params, only: str | None = None, biases: bool = False) -> list[Any]:
    """The parameters that a penalty is for.

    Parameters
    ----------
    params : nested dict of arrays or Tensors
    only : str, optional
        Pattern of paths: "0/*" is all of the first part of a network, "*/weight" all that is called so.
    biases : bool
        Also biases, scales, shifts and slopes.

    Raises
    ------
    InputError
        If nothing is left.
    """
    items = list(tree.items(params))
    selected = [leaf for path, leaf in items if fnmatchcase(path, only or "*") and (biases or not _exempt(path))]
    if not selected:
        asked = f"only={only!r} matches" if only else "there is"
        exempt = "" if biases else " besides biases, scales, shifts and slopes"
        known = ", ".join(path for path, _ in items) or "no parameters at all"
        raise InputError(f"penalty: {asked} no parameter{exempt}; there are {known}")
    return selected


def _exempt(path: str) -> bool:
    return path.rsplit("/", 1)[-1] in EXEMPT


@dataclass(frozen=True, repr=False)
class _Strength(Penalty):
    """Base of the penalties that are one strength times a sum over the parameters they are for."""

    numbers: ClassVar[tuple[str, ...]] = ("strength",)

    strength: float = at_least_zero()
    only: str | None = None
    biases: bool = False

    def __call__(self, params: Params) -> Any:
        return _times(self.strength, _total([self._of(w).sum() for w in weights(params, self.only, self.biases)]))

    def _of(self, weight: Any) -> Any:
        """What is summed over the elements of a weight."""
        raise NotImplementedError(f"{type(self).__name__} must define _of(self, weight)")


@dataclass(frozen=True, repr=False)
class L2(_Strength):
    """``λ Σ w²``, with gradient ``2 λ w``: every update shrinks weights in proportion to their size.

    Its maximum-a-posteriori reading: if the data loss is a negative log likelihood summed over the examples, then
    adding λ Σ w² is to believe beforehand that each weight is normal with mean 0 and variance ``1 / (2λ)``, and to
    look for the likeliest weights. With a loss averaged over N examples the variance is ``1 / (2λN)``.

    Parameters
    ----------
    strength : float
        λ, at least 0.
    only : str, optional
        Pattern of the paths of parameters it is for, such as "0/*".
    biases : bool
        Whether biases, scales, shifts and slopes count, too.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> params = {"0": {"weight": np.array([[1.0, 2.0]]), "bias": np.array([5.0])}}
    >>> float(bl.L2(0.1)(params)), bl.grad(bl.L2(0.1))(params)["0"]["weight"].round(3).tolist()
    (0.5, [[0.2, 0.4]])
    """

    def _of(self, weight: Any) -> Any:
        return square(weight)


@dataclass(frozen=True, repr=False)
class L1(_Strength):
    """``λ Σ |w|``, with gradient ``λ sign(w)`` (0 at 0): pulls small weights to zero, so that few remain.

    Parameters
    ----------
    strength, only, biases :
        As of `L2`.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> params = {"0": {"weight": np.array([[1.0, -2.0]])}, "2": {"weight": np.array([[3.0]])}}
    >>> penalty = bl.L1(1.0, only="0/*") + bl.L2(0.5)
    >>> penalty
    L1(1.0, only='0/*') + L2(0.5)
    >>> float(penalty(params))
    10.0
    """

    def _of(self, weight: Any) -> Any:
        return absolute(weight)


@dataclass(frozen=True, repr=False)
class Elastic(Penalty):
    """``λ₁ Σ |w| + λ₂ Σ w²``: `L1` and `L2` on the same parameters.

    Parameters
    ----------
    l1, l2 : float
        λ₁ and λ₂, at least 0.
    only, biases :
        As of `L2`.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> float(bl.Elastic(1.0, 0.5)({"weight": np.array([1.0, -2.0])}))
    5.5

    References
    ----------
    Zou, Hastie: Regularization and Variable Selection via the Elastic Net, J. R. Statist. Soc. B 67, 2005.
    """

    numbers: ClassVar[tuple[str, ...]] = ("l1", "l2")

    l1: float = at_least_zero()
    l2: float = at_least_zero()
    only: str | None = None
    biases: bool = False

    def __call__(self, params: Params) -> Any:
        parts = weights(params, self.only, self.biases)
        return _total([_times(self.l1, absolute(w).sum()) + _times(self.l2, square(w).sum()) for w in parts])


def penalty_of(text: str) -> Penalty | None:
    """The penalty that a run's folder tells of, as it prints; None where it is a function, or none of those here.

    Examples
    --------
    >>> penalty_of("L2(0.01) + L1(0.001, only='0/*')")
    L2(0.01) + L1(0.001, only='0/*')
    >>> penalty_of("<function mine at 0x7f>") is None
    True
    """
    try:
        return _penalty_at(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError, InputError):
        return None


def _penalty_at(node: ast.expr) -> Penalty | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        first, second = _penalty_at(node.left), _penalty_at(node.right)
        return None if first is None or second is None else first + second
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    kind = globals().get(node.func.id)
    if not (isinstance(kind, type) and issubclass(kind, Penalty)) or kind in (Penalty, Penalties, _Strength):
        return None
    given = [ast.literal_eval(argument) for argument in node.args]
    named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords if keyword.arg}
    made: Penalty = kind(*given, **named)
    return made
