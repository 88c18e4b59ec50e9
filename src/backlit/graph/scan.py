"""`scan`: a cell applied step after step, as one operation with a backward pass of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.errors import ShapeError
from backlit.graph import kernels, tree
from backlit.graph.backward import is_float, zeros_like
from backlit.graph.bundle import Bundle, leaf_of, no_second_run, pack, pull_several, unpack
from backlit.graph.op import Op, namespace, transforming
from backlit.graph.ops.arithmetic import where
from backlit.graph.ops.shape import stack
from backlit.graph.tensor import Tensor, value_of

Cell = Callable[[Any, Any], tuple[Any, Any]]
Leaves = list[Any]


def scan(
    cell: Cell, carry: Any, xs: Any, *, mask: Any = None, reverse: bool = False, unroll: bool = False
) -> tuple[Any, Any]:
    """``carry, y = cell(carry, x)`` for each x in `xs`: a recurrence, such as a recurrent network's.

    One operation, whose backward pass is a scan in the other direction: the carry before each step is kept, and
    the cell's graph is built anew, a step at a time. So memory holds the graph of one step only, there is no recursion
    however long the sequence, and in a compiled program both directions are loops. The backward pass is itself made of
    differentiable operations: derivatives of any order come with it.

    Parameters
    ----------
    cell : callable
        ``cell(carry, x) -> (carry, y)``, written with operators and `backlit.ops`. It must be pure, since it
        runs again in the backward pass. Parameters that it closes over get their gradients.
    carry : array or tree of arrays
        State before the first step; the cell must return one of the same structure, shapes and types. Python numbers
        take the type that the cell gives them.
    xs : array or tree of arrays, (time, ...)
        What the cell sees, a step at a time.
    mask : boolean array (time, ...), optional
        Where False, the carry stays as it was and y is 0. Its axes after time are the first axes of carry and y: rows,
        usually.
    reverse : bool
        From the last step to the first; the ys keep the order of `xs`.
    unroll : bool
        Every step as nodes of its own, which `backlit.explain` shows (the carry as "h[0]", "h[1]", ...). Takes memory
        for all steps' graphs; the same result.

    Returns
    -------
    carry : as given
        After the last step.
    ys : array or tree of arrays, (time, ...)
        Of all steps.

    Raises
    ------
    ShapeError
        If `xs` has no steps or parts of different length, the mask doesn't fit, or the cell changes the carry's
        structure, shapes or types.

    Examples
    --------
    >>> import backlit as bl, numpy as np
    >>> def decay(rate, x):  # h = rate · h + x
    ...     return bl.scan(lambda h, x: (rate * h + x,) * 2, 0.0, x)[1]
    >>> decay(0.5, np.array([8.0, 0.0, 0.0])).tolist()
    [8.0, 4.0, 2.0]
    >>> float(bl.grad(lambda rate: decay(rate, np.array([8.0, 0.0, 0.0]))[2])(0.5))  # ∂ 8 rate² / ∂ rate
    8.0
    """
    length = _length(xs)
    carry = _typed(cell, carry, tree.map(lambda x: x[-1 if reverse else 0], xs))
    if mask is not None:
        if np.shape(mask)[:1] != (length,):
            raise ShapeError(f"scan: a mask for {length} steps needs shape ({length}, ...), got {np.shape(mask)}")
        cell, xs = _Masked(cell), (xs, value_of(mask))
    if unroll:
        return _unrolled(cell, carry, xs, range(length - 1, -1, -1) if reverse else range(length))
    return _Scan(cell, carry, xs, reverse).result()


def _length(xs: Any) -> int:
    leaves = tree.leaves(xs)
    if not leaves or not all(len(np.shape(value_of(x))) > 0 for x in leaves):
        raise ShapeError("scan: xs must hold arrays of shape (time, ...); got none, or a number; use numpy.array")
    lengths = {x.shape[0] for x in leaves}
    if len(lengths) > 1:
        raise ShapeError(f"scan: all arrays in xs need the same number of steps, got {sorted(lengths)}")
    (length,) = lengths
    if length == 0:
        raise ShapeError("scan: xs has no time steps (its first axis has size 0); leave empty sequences out")
    return int(length)


def _typed(cell: Cell, carry: Any, x: Any) -> Any:
    """The carry with arrays for Python numbers, of the type that the cell makes of them."""
    if all(hasattr(leaf, "dtype") for leaf in tree.leaves(carry)):
        return carry
    with transforming():
        new = _pair(cell(carry, x))[0]

    def typed(leaf: Any, made: Any) -> Any:
        made = _array(made)
        return leaf if hasattr(leaf, "dtype") else namespace(value_of(made)).asarray(leaf, dtype=made.dtype)

    return tree.map(typed, carry, new) if tree.flatten(carry)[1] == tree.flatten(new)[1] else carry


def _pair(result: Any) -> Any:
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"scan: the cell must return a pair (carry, y), got {type(result).__name__}")
    return result


class _Masked:
    """A cell that stands still where the mask is False."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def __call__(self, carry: Any, inputs: Any) -> tuple[Any, Any]:
        x, mask = inputs
        new, y = self._cell(carry, x)
        return tree.map(lambda a, b: where(_over(mask, a), a, b), new, carry), tree.map(
            lambda a: where(_over(mask, a), a, zeros_like(value_of(a))), y
        )


def _over(mask: Any, array: Any) -> Any:
    """The mask with axes of size 1 at its end, to go with an array."""
    shape = np.shape(value_of(array))
    if shape[: len(mask.shape)] != mask.shape:
        raise ShapeError(
            f"scan: a mask of shape (time, {', '.join(map(str, mask.shape))}) doesn't fit a carry or y of shape {shape}"
        )
    return mask.reshape(mask.shape + (1,) * (len(shape) - len(mask.shape)))


def _unrolled(cell: Cell, carry: Any, xs: Any, steps: range) -> tuple[Any, Any]:
    ys: list[Any] = [None] * len(steps)
    for t in steps:
        carry, ys[t] = cell(carry, tree.map(lambda x, t=t: x[t], xs))
        for path, leaf in tree.items(carry):
            if type(leaf) is Tensor and leaf.name is None:
                leaf.name = f"{path or 'carry'}[{t}]"
    return carry, tree.map(lambda *parts: stack(list(parts), axis=0), *ys)


class _Scan:
    """One call of `scan`: the loop forward, and the rule that makes the loop back."""

    def __init__(self, cell: Cell, carry: Any, xs: Any, reverse: bool) -> None:
        self._cell = cell
        self._reverse = reverse
        self._carry, self._carry_structure = tree.flatten(carry)
        self._xs, self._x_structure = tree.flatten(xs)
        self._y_structure: Any = None
        # Nodes made before are someone else's: what the cell closes over is found by it.
        self._start = Tensor(np.zeros(())).serial
        self._captured: dict[int, Tensor] = {}

    def result(self) -> tuple[Any, Any]:
        """Final carry and ys: plain, or Tensors if anything was tracked."""
        with transforming():
            loop, carry, xs = self._prepared()
            tracked = bool(self._captured) or any(type(leaf) is Tensor for leaf in (*self._carry, *self._xs))

            def step(carry: Leaves, x: Leaves) -> tuple[Leaves, Any]:
                new, y = self._run(carry, x)
                return new, (y, carry if tracked else None)

            final, (ys, before) = loop(step, carry, xs, reverse=self._reverse)
        if tracked:
            inputs = pack([*self._captured.values(), *self._carry, *self._xs])
            rule = self._rule
            op = Op(
                "scan", no_second_run, (rule,), gate="carries the gradient back, step by step, adding up what arrives"
            )
            parts = unpack(Tensor(Bundle([*final, *ys, *before]), op, (inputs,), {}))
            final, ys = parts[: len(final)], parts[len(final) : len(final) + len(ys)]
        return tree.unflatten(self._carry_structure, final), tree.unflatten(self._y_structure, ys)

    def _prepared(self) -> tuple[Any, Leaves, Leaves]:
        """The loop, start and inputs as its arrays: one step is run to see what the cell makes of them."""
        carry, xs = [value_of(leaf) for leaf in self._carry], [value_of(leaf) for leaf in self._xs]
        new, y = self._run(carry, [x[-1 if self._reverse else 0] for x in xs])
        names = tree.paths(tree.unflatten(self._carry_structure, carry))
        for name, leaf, made in zip(names, carry, new, strict=True):
            if (leaf.shape, leaf.dtype) != (made.shape, made.dtype):
                raise ShapeError(
                    f"scan: the cell must keep the carry's shapes and types, but {name or 'the carry'} was "
                    f"{leaf.dtype} of shape {tuple(leaf.shape)} and became {made.dtype} of shape {tuple(made.shape)}"
                )
        captured = [tensor.value for tensor in self._captured.values()]
        return kernels.of(namespace(*carry, *xs, *captured, *new, *y)).scan, carry, xs

    def _run(self, carry: Leaves, x: Leaves) -> tuple[Leaves, Leaves]:
        """One step on plain arrays."""
        new, y = self._called(carry, x)
        self._captured.update(_outside((*new, *y), self._start))
        return [value_of(leaf) for leaf in new], [value_of(leaf) for leaf in y]

    def _called(self, carry: Leaves, x: Leaves) -> tuple[Leaves, Leaves]:
        """The cell on leaves."""
        result = _pair(self._cell(tree.unflatten(self._carry_structure, carry), tree.unflatten(self._x_structure, x)))
        new, structure = tree.flatten(result[0])
        if structure != self._carry_structure:
            raise ShapeError(
                "scan: the cell must return a carry of the structure that it got, with parts "
                f"{tree.paths(tree.unflatten(self._carry_structure, carry))}, got {tree.paths(result[0])}"
            )
        y, self._y_structure = tree.flatten(result[1])
        return [_array(leaf) for leaf in new], [_array(leaf) for leaf in y]

    def _rule(self, g: Any, output: Any, inputs: Any) -> Bundle:
        """Gradients of captured Tensors, first carry and xs: a scan in the other direction.

        In a derivative within a derivative, all are Tensors, and so are the results.
        """
        nested = type(output) is Tensor
        parts = unpack(output) if nested else output.parts
        given = unpack(inputs) if nested else inputs.parts
        arriving = Bundle.of(g, value_of(output)).parts
        carries, captured = len(self._carry), list(self._captured.values())
        ys = len(parts) - 2 * carries
        before = parts[-carries:] if carries else []
        xs = list(given[len(captured) + carries :])
        real = [is_float(leaf.dtype) for leaf in before]
        wanted = [type(x) is Tensor and is_float(x.dtype) for x in self._xs]
        start = [
            zeros_like(value_of(part)) if part_g is None else part_g
            for part, part_g, is_real in zip(parts, arriving, real, strict=False)
            if is_real
        ]
        sums = [zeros_like(tensor.value) for tensor in captured]

        def back(state: Any, inputs: Any) -> tuple[Any, Any]:
            upstream, sums = state
            x, before, upstream_y, upstream_before = inputs
            carry_leaves = [leaf_of(leaf) if is_real else leaf for leaf, is_real in zip(before, real, strict=True)]
            x_leaves = [leaf_of(leaf) if is_wanted else leaf for leaf, is_wanted in zip(x, wanted, strict=True)]
            new, y = self._called(carry_leaves, x_leaves)
            remaining = iter(upstream)
            pairs = zip([*new, *y], [*[next(remaining) if r else None for r in real], *upstream_y], strict=True)
            targets = [leaf for leaf, r in zip(carry_leaves, real, strict=True) if r]
            by_x = [leaf for leaf, w in zip(x_leaves, wanted, strict=True) if w]
            gradients = pull_several(list(pairs), [*targets, *by_x], captured, nested)
            by_carry = gradients[: len(targets)]
            extra = [bar for bar, r in zip(upstream_before, real, strict=True) if r]
            by_carry = [part if bar is None else part + bar for part, bar in zip(by_carry, extra, strict=True)]
            added = [a + b for a, b in zip(sums, gradients[len(targets) + len(by_x) :], strict=True)]
            return (by_carry, added), gradients[len(targets) : len(targets) + len(by_x)]

        rows = (xs, list(before), list(arriving[carries : carries + ys]), list(arriving[carries + ys :]))
        (by_carry, sums), by_x = scan(back, (start, sums), rows, reverse=not self._reverse)
        carry_rest, x_rest = iter(by_carry), iter(by_x)
        gradients = [
            *sums,
            *[next(carry_rest) if r else None for r in real],
            *[next(x_rest) if w else None for w in wanted],
        ]
        return Bundle(gradients, value_of(inputs))


def _array(leaf: Any) -> Any:
    return leaf if hasattr(leaf, "dtype") else np.asarray(leaf)


def _outside(results: Any, start: int) -> dict[int, Tensor]:
    """Tensors made before `start` that the results depend on directly."""
    outside: dict[int, Tensor] = {}
    seen: set[int] = set()
    stack = [leaf for leaf in results if type(leaf) is Tensor]
    while stack:
        node = stack.pop()
        if node.serial < start:
            outside[node.serial] = node
        elif node.serial not in seen:
            seen.add(node.serial)
            stack += [parent for parent in node._parents if type(parent) is Tensor]
    return outside
