"""Recurrences with a fused form: one loop forward, one back, and every large matrix product outside of the loops.

Each stands here twice. The plain form is a cell of ordinary operations under `scan`. The fused form keeps what the cell
computed, so that nothing is computed again on the way back, and adds up the weight's gradient over all time steps in
one matrix product instead of one a step. `fused` pairs the two; derivatives of higher order take the plain form.

Fused forms run in the loop that `graph.kernels` has for their arrays, or wholly in a kernel of theirs, if there is one
for these arrays and settings. `fused` looks both up, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.errors import InputError, ShapeError
from backlit.graph import kernels
from backlit.graph.bundle import Bundle, leaf_of, no_second_run, pack, pull_several, unpack
from backlit.graph.kernels import product
from backlit.graph.op import Op, namespace, transforming
from backlit.graph.ops.arithmetic import where
from backlit.graph.ops.elementwise import relu, tanh
from backlit.graph.ops.linalg import linear
from backlit.graph.ops.shape import astype
from backlit.graph.registry import composite, sample
from backlit.graph.scan import scan
from backlit.graph.tensor import Tensor, value_of

Arrays = list[Any]
MASK = np.array([[True, True], [True, False], [True, False]])


def fused(
    name: str, inputs: dict[str, Any], forward: Any, backward: Any, plain: Any, primary: int, **settings: Any
) -> Arrays:
    """A recurrence's fused form as one node.

    Parameters
    ----------
    inputs : dict
        By name, those that have gradients.
    forward : callable
        ``forward(loop, *arrays) -> results``, on plain arrays; ``loop(f, carry, xs, reverse)`` is the kernels'.
    backward : callable
        ``backward(loop, upstreams, results, arrays) -> gradients``, of plain arrays; an upstream may be None.
    plain : callable
        ``plain(*arrays) -> results``, of operations: does the derivatives that `backward` doesn't.
    primary : int
        To how many of the first results `backward` takes upstreams.
    **settings :
        What a kernel needs to know to do as `forward` and `backward` do: mask, keep, reverse.
    """
    arrays = list(inputs.values())
    values = [value_of(x) for x in arrays]
    with transforming():
        there = kernels.of(namespace(*values))
        loop = there.scan
        kernel = there.recurrence(name, dict(zip(inputs, values, strict=True)), **settings)
        if kernel is not None:
            forward, backward = kernel.forward, kernel.backward
        results = forward(loop, *values)
    if not any(type(x) is Tensor for x in arrays):
        return results

    def rule(g: Any, output: Any, inputs: Any) -> Bundle:
        upstreams = Bundle.of(g, value_of(output)).parts
        nested = type(output) is Tensor
        if nested or any(bar is not None for bar in upstreams[primary:]):
            leaves = [leaf_of(part) for part in (unpack(inputs) if nested else inputs.parts)]
            pairs = list(zip(plain(*leaves), upstreams, strict=True))
            return Bundle(pull_several(pairs, leaves, [], nested), value_of(inputs))
        return Bundle(backward(loop, upstreams[:primary], output.parts, inputs.parts), inputs)

    gate = "carries the gradient back through time, by the gates that were kept"
    op = Op(name, no_second_run, (rule,), gate=gate)
    return unpack(Tensor(Bundle(results), op, (pack(arrays),), {}))


def in_one_type(inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs in the widest floating-point type among them, as loops need them; whole numbers alone as float64."""
    types = {x.dtype for x in inputs.values()}
    wanted = np.result_type(*[dtype for dtype in types if dtype.kind == "f"] or ["float64"])
    return {name: x if x.dtype == wanted else astype(x, dtype=wanted) for name, x in inputs.items()}


def require_shapes(name: str, a: Any, weight: Any, gates: int, states: dict[str, tuple[Any, int]], mask: Any) -> None:
    """Refuse arrays that don't fit each other; `states` has each state with its size."""
    rows = a.shape[1] if len(a.shape) == 3 else 0
    size = weight.shape[0] // gates
    if len(a.shape) != 3 or a.shape[2] != gates * size or weight.shape[0] % gates:
        raise ShapeError(
            f"{name}: needs inputs of shape (time, rows, {gates} · units) and a weight ({gates} · units, units), got "
            f"{tuple(a.shape)} and {tuple(weight.shape)}"
        )
    if a.shape[0] == 0:
        raise ShapeError(f"{name}: the sequence has no time steps, inputs of shape {tuple(a.shape)}")
    for label, (state, width) in states.items():
        if tuple(state.shape) != (rows, width):
            raise ShapeError(f"{name}: {label} needs shape {(rows, width)}, one row each, got {tuple(state.shape)}")
    if mask is not None and tuple(mask.shape) != tuple(a.shape[:2]):
        raise ShapeError(f"{name}: the mask needs shape (time, rows) = {tuple(a.shape[:2])}, got {tuple(mask.shape)}")


def unless_masked(mask: Any, new: Any, old: Any) -> Any:
    """The new state, or at a masked step the old one; `mask` is (rows,) or None."""
    return new if mask is None else where(mask[:, None], new, old)


def plus(state: Any, added: Any) -> Any:
    """The state with what is added to it, if anything is."""
    return state if added is None else state + added


def own_gradient(dh: Any, mask: Any) -> Any:
    """Gradient of what is added to a state: the state's, but at a masked step."""
    return dh if mask is None else where(mask[:, None], dh, 0.0)


def shifted(first: Any, states: Any, reverse: bool) -> Any:
    """States before each step: the first one, then all but the last."""
    xp = namespace(first, states)
    return xp.concatenate([states[1:], first[None]] if reverse else [first[None], states[:-1]])


def weight_gradient(da: Any, before: Any, keep: Any) -> Any:
    """``Σₜ daₜᵀ hₜ₋₁`` over all steps and rows in one product."""
    before = before if keep is None else before * keep
    return product(da.reshape(-1, da.shape[-1]).mT, before.reshape(-1, before.shape[-1]))


def begun(upstream: Any, like: Any) -> Any:
    """An upstream gradient, zeros if there is none."""
    return namespace(like).zeros(like.shape, dtype=like.dtype) if upstream is None else upstream


_ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "tanh": (tanh, lambda y: 1.0 - y * y),
    "relu": (relu, lambda y: (y > 0).astype(y.dtype)),
}


@composite(
    samples=(
        sample((3, 2, 2), (2, 2), (2, 2)),
        sample((3, 2, 2), (2, 2), (2, 2), activation="relu", reverse=True),
        sample((3, 2, 2), (2, 2), (2, 2), mask=MASK),
        sample((3, 2, 2), (2, 2), (2, 2), (3, 2, 2), mask=MASK),
    ),
)
def rnn(
    a: Any,
    weight: Any,
    h: Any,
    added: Any = None,
    *,
    activation: str = "tanh",
    mask: Any = None,
    keep: Any = None,
    reverse: bool = False,
    form: str = "fused",
) -> Arrays:
    """Simple recurrence: ``hₜ = tanh(aₜ + W hₜ₋₁)``, or relu.

    Parameters
    ----------
    a : (time, rows, units)
        What the inputs give to each step, bias included: ``U xₜ + b``.
    weight : (units, units)
        W, one row for each unit.
    h : (rows, units)
        State before the first step.
    added : (time, rows, units), optional
        Added to each step's state, where it isn't masked. Its gradient, at zeros, is the state's whole gradient ∂L/∂hₜ,
        through all later steps.
    activation : "tanh" or "relu"
        The latter has derivative 0 at 0.
    mask : boolean array (time, rows), optional
        Where False, the state stays as it was.
    keep : (rows, units), optional
        Constant factors on the state before each product, the same at all steps (dropout).
    reverse : bool
        From the last step to the first.
    form : "fused", "scan" or "unrolled"
        One loop that keeps what it computed; the plain form; the plain form with every step's nodes.

    Returns
    -------
    [states]
        (time, rows, units).

    >>> import numpy as np
    >>> rnn(np.zeros((2, 1, 1)), np.array([[1.0]]), np.array([[1.0]]))[0].round(4).tolist()
    [[[0.7616]], [[0.642]]]
    """
    require_shapes("rnn", a, weight, 1, {"h": (h, weight.shape[1])}, mask)
    require_form(form)
    function, slope = _ACTIVATIONS[activation]

    def step(state: Any, x: Any, weight: Any) -> tuple[Any, Any]:
        h, (from_input, extra, m) = state["h"], x
        new = unless_masked(m, plus(function(from_input + linear(h if keep is None else h * keep, weight)), extra), h)
        return {"h": new}, new

    def plain(a: Any, weight: Any, h: Any, added: Any = None) -> Arrays:
        unroll = form == "unrolled"
        return [scan(lambda s, x: step(s, x, weight), {"h": h}, (a, added, mask), reverse=reverse, unroll=unroll)[1]]

    inputs = in_one_type({"a": a, "weight": weight, "h": h} | ({} if added is None else {"added": added}))
    if form != "fused":
        return plain(*inputs.values())

    def forward(loop: Any, a: Any, weight: Any, h: Any, added: Any = None) -> Arrays:
        return [loop(lambda s, x: step(s, x, weight), {"h": h}, (a, added, mask), reverse=reverse)[1]]

    def backward(loop: Any, upstreams: Any, results: Any, arrays: Any) -> Arrays:
        (hs,), (_, weight, h, *added) = results, arrays

        def back(dh: Any, x: Any) -> tuple[Any, Any]:
            y, dy, m = x
            dh = dh if dy is None else dh + dy
            da = dh * slope(y)
            da = da if m is None else where(m[:, None], da, 0.0)
            before = product(da, weight)
            before = before if keep is None else before * keep
            return unless_masked(m, before, dh), (da, own_gradient(dh, m) if added else None)

        ys = hs - added[0] if added else hs
        dh, (da, d_added) = loop(back, begun(None, h), (ys, upstreams[0], mask), reverse=not reverse)
        gradients = [da, weight_gradient(da, shifted(h, hs, reverse), keep), dh]
        return [*gradients, d_added] if added else gradients

    settings = {"mask": mask, "keep": keep, "reverse": reverse, "activation": activation}
    return fused("rnn", inputs, forward, backward, plain, 1, **settings)


def require_form(form: str) -> None:
    """Refuse a form that there isn't."""
    if form not in ("fused", "scan", "unrolled"):
        raise InputError(f"form must be 'fused', 'scan' or 'unrolled', got {form!r}")
