"""Functions that turn functions into their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import numpy as np

from backlit.errors import GradientError
from backlit.graph import tree
from backlit.graph.backward import (
    is_float,
    nodes,
    ones_like,
    pull,
    require_float,
    require_scalar,
    warn_if_cut,
    zeros_like,
)
from backlit.graph.op import namespace, transforming
from backlit.graph.tensor import FUNCTIONS, Tensor, value_of

P = ParamSpec("P")


class _Trace:
    """One run of a function with tracked arguments, and the way back from its result to them."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        argnums: int | Sequence[int],
        snapshot: bool = False,
    ) -> None:
        self.name = getattr(f, "__name__", type(f).__name__)
        positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        for position in positions:
            if not 0 <= position < len(args):
                raise GradientError(f"argnums={argnums!r}, but {self.name} got {len(args)} positional arguments")
        self._wanted = [args[position] for position in positions]
        self._positions = positions
        leaves, self._structure = tree.flatten(self._wanted)
        self._single = isinstance(argnums, int)
        self._snapshot = snapshot  # arguments may change before the way back
        self.leaves = [self._leaf(i, leaf) for i, leaf in enumerate(leaves)]
        self._start = self.leaves[0].serial if self.leaves else 0  # nodes made earlier are someone else's
        values = list(args)
        for position, value in zip(positions, tree.unflatten(self._structure, self.leaves), strict=True):
            values[position] = value
        self._result = f(*values, **kwargs)

    def _leaf(self, number: int, value: Any) -> Tensor:
        if type(value) is Tensor:
            leaf = FUNCTIONS["identity"](value)
        elif hasattr(value, "dtype"):
            leaf = Tensor(value.copy() if self._snapshot and isinstance(value, np.ndarray) else value)
        elif isinstance(value, (int, float)):
            leaf = Tensor(np.asarray(value))
        else:
            raise TypeError(f"{self.label(number)} must hold numbers and arrays, got {type(value).__name__}")
        if not is_float(leaf.dtype):
            require_float(leaf, self.label(number))
        return leaf

    def label(self, number: int) -> str:
        """A leaf's place, for messages."""
        wanted = dict(zip(map(str, self._positions), self._wanted, strict=True))
        return f"argument {tree.paths(wanted)[number]} of {self.name}"

    def take_result(self) -> Any:
        """What the function returned, handed over: the trace doesn't keep the graph alive."""
        result, self._result = self._result, None
        return result

    def order(self, output: Tensor) -> tuple[list[Tensor], bool]:
        """Nodes below `output`, and whether they depend on Tensors from outside: a derivative within a derivative."""
        if type(output) is not Tensor:  # a constant: it depends on nothing
            return [], False
        order = nodes(output, stop=self.leaves)
        nested = any([leaf._op is not None for leaf in self.leaves])  # noqa: C419 - a list is quicker
        return order, nested or order[0].serial < self._start

    def pull(self, order: list[Tensor], upstream: Any, nested: bool) -> Any:
        """Gradients in the structure of the arguments, from the nodes below the result, which are used up."""
        graph = [] if all([node._op is None or not node._op.is_step for node in order]) else list(order)  # noqa: C419
        gradients = pull(order, upstream, self.leaves, differentiable=nested)
        for i, gradient in enumerate(gradients):
            if gradient is None:
                if graph:
                    warn_if_cut(graph, self.leaves[i], self.label(i))
                gradients[i] = zeros_like(self.leaves[i].value)
        trees = tree.unflatten(self._structure, gradients)
        return trees[0] if self._single else tuple(trees)


def _array(result: Any, name: str) -> Any:
    """What a function returned, if it is one array or number."""
    if hasattr(result, "shape"):
        return result
    if isinstance(result, (int, float)):
        return np.asarray(result, dtype=float)
    raise TypeError(f"{name} must return a number or an array, got {type(result).__name__}")


def _scalar(result: Any, name: str) -> Any:
    result = _array(result, name)
    if type(result) is Tensor:
        require_float(result, f"the result of {name}")
    require_scalar(result, f"let {name} return a sum or mean, or use backlit.jacobian or backlit.vjp")
    return result


def _pair(trace: _Trace) -> tuple[Any, Any]:
    result = trace.take_result()
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"with has_aux, {trace.name} must return a pair (number, anything), got {type(result).__name__}"
        )
    return result


def value_and_grad(
    f: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[P, tuple[Any, Any]]:
    """A function that returns `f`'s value and its gradient.

    Parameters
    ----------
    f : callable
        Returns one number; with `has_aux`, a pair of that number and anything else.
    argnums : int or sequence of int
        Which positional arguments to differentiate; each may be a nested dict, list, tuple or dataclass of arrays.
    has_aux : bool
        Whether `f` also returns something that isn't differentiated.

    Returns
    -------
    callable
        With `f`'s arguments; returns ``(value, gradient)``, or ``((value, aux), gradient)``. The gradient
        has the structure, shapes and types of the arguments.

    Raises
    ------
    GradientError
        If `f` doesn't return a scalar, or an argument holds whole numbers.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> value, gradient = bl.value_and_grad(lambda p: (p["w"] ** 2).sum())({"w": np.array([1.0, 2.0])})
    >>> float(value), gradient["w"].tolist()
    (5.0, [2.0, 4.0])
    """

    def derivative(*args: P.args, **kwargs: P.kwargs) -> tuple[Any, Any]:
        with transforming():
            trace = _Trace(f, args, kwargs, argnums)
            output, aux = _pair(trace) if has_aux else (trace.take_result(), None)
            output = _scalar(output, trace.name)
            order, nested = trace.order(output)
            value = output if nested else value_of(output)
            del output  # from here on `order` alone holds the graph, and `pull` frees it on its way
            gradients = trace.pull(order, ones_like(value_of(value)), nested)
            if not has_aux:
                return value, gradients
            return (value, aux if nested else tree.map(value_of, aux)), gradients

    return derivative


def grad(f: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[P, Any]:
    """A function that returns `f`'s gradient; arguments and errors as of `value_and_grad`.

    With `has_aux` it returns ``(gradient, aux)``. Apply it again for higher derivatives.

    Examples
    --------
    >>> import backlit as bl
    >>> cube = lambda x: x ** 3
    >>> float(bl.grad(cube)(2.0)), float(bl.grad(bl.grad(cube))(2.0))
    (12.0, 12.0)
    """
    both = value_and_grad(f, argnums, has_aux)

    def derivative(*args: P.args, **kwargs: P.kwargs) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return derivative


def vjp(
    f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] | None = None
) -> tuple[Any, Callable[[Any], Any]]:
    """`f`'s value at the arguments, and the function that pulls a gradient back through it.

    Parameters
    ----------
    f : callable
        Returns one array, of any shape.
    *args
        Arguments, each an array or a tree of arrays.
    argnums : int or sequence of int, optional
        Which arguments to differentiate; all of them if left out (then the gradients come as a tuple).

    Returns
    -------
    value : array
    pull : callable
        ``pull(upstream)`` returns the vector-Jacobian product ``upstream · ∂f/∂args``; it may be called many times.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> value, pull = bl.vjp(bl.ops.exp, np.array([0.0, 1.0]))
    >>> pull(np.array([1.0, 0.0]))[0].tolist()
    [1.0, 0.0]
    """
    # Not within `transforming`: whoever holds the arguments and constants may change them before `pull` is called.
    trace = _Trace(f, args, {}, tuple(range(len(args))) if argnums is None else argnums, snapshot=True)
    output = _array(trace.take_result(), trace.name)
    order, nested = trace.order(output)

    def pull_back(upstream: Any) -> Any:
        if np.shape(upstream) != np.shape(value_of(output)):
            raise GradientError(
                f"upstream has shape {np.shape(upstream)}, but {trace.name} returned shape "
                f"{np.shape(value_of(output))}: they must be equal"
            )
        if type(upstream) is not Tensor:
            upstream = namespace(value_of(output)).asarray(upstream, dtype=output.dtype)
        with transforming():
            return trace.pull(list(order), upstream, nested or type(upstream) is Tensor)

    return (output if nested else value_of(output)), pull_back


def jacobian(f: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Callable[P, Any]:
    """A function that returns the whole matrix of derivatives of `f`'s result, a row for each of its elements.

    Parameters
    ----------
    f : callable
        Returns an array of any shape, or a tree of arrays.
    argnums : int or sequence of int
        Which positional arguments to differentiate.

    Returns
    -------
    callable
        Returns arrays of shape ``result.shape + argument.shape``, ``J[i..., j...] = ∂f_i/∂x_j``, in the
        structure of the result and, within it, of the argument. One backward pass an element of the result.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> bl.jacobian(lambda x: x * x)(np.array([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """

    def derivative(*args: P.args, **kwargs: P.kwargs) -> Any:
        with transforming():
            trace = _Trace(f, args, kwargs, argnums)
            return tree.map(lambda output: _rows(trace, _array(output, trace.name)), trace.take_result())

    return derivative


def _rows(trace: _Trace, output: Any) -> Any:
    """Jacobian of one output array: a pull for each unit vector, stacked."""
    order, nested = trace.order(output)
    value = value_of(output)
    xp = namespace(value)
    shape = np.shape(value)
    size = int(np.prod(shape))
    units = np.eye(size)
    rows = [
        trace.pull(list(order), xp.asarray(units[i].reshape(shape), dtype=value.dtype), nested) for i in range(size)
    ]
    if not rows:
        raise GradientError(f"{trace.name} returned no elements (shape {shape}): there is nothing to differentiate")

    def assemble(*parts: Any) -> Any:
        stacked = FUNCTIONS["stack"](list(parts), axis=0)
        return stacked.reshape(shape + parts[0].shape)

    return tree.map(assemble, *rows)


def hessian(f: Callable[P, Any], argnums: int = 0) -> Callable[P, Any]:
    """A function that returns the second derivatives of a scalar `f`: the Jacobian of its gradient.

    Returns
    -------
    callable
        Returns arrays of shape ``x.shape + x.shape``; for a tree of arguments, a tree of such trees.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> bl.hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0])).tolist()
    [[10.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f, argnums), argnums)
