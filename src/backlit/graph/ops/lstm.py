"""The long short-term memory's recurrence, plain and fused."""

from __future__ import annotations

from typing import Any

from backlit.errors import ShapeError
from backlit.graph.kernels import product
from backlit.graph.op import namespace
from backlit.graph.ops.arithmetic import where
from backlit.graph.ops.elementwise import sigmoid, tanh
from backlit.graph.ops.linalg import linear
from backlit.graph.ops.recurrence import (
    MASK,
    Arrays,
    begun,
    fused,
    in_one_type,
    own_gradient,
    plus,
    require_form,
    require_shapes,
    shifted,
    unless_masked,
    weight_gradient,
)
from backlit.graph.ops.shape import concatenate
from backlit.graph.registry import composite, sample
from backlit.graph.scan import scan


@composite(
    samples=(
        sample((3, 2, 8), (8, 2), (2, 2), (2, 2)),
        sample((3, 2, 8), (8, 2), (2, 2), (2, 2), mask=MASK, reverse=True),
        sample((3, 2, 8), (8, 2), (2, 2), (2, 2), (3, 2, 2), mask=MASK),
        sample((3, 2, 8), (8, 1), (2, 1), (2, 2), (3, 2, 1), (3, 2), (1, 2), mask=MASK),
    ),
)
def lstm(
    a: Any,
    weight: Any,
    h: Any,
    c: Any,
    added: Any = None,
    peephole: Any = None,
    projection: Any = None,
    *,
    mask: Any = None,
    keep: Any = None,
    reverse: bool = False,
    form: str = "fused",
) -> Arrays:
    """Long short-term memory: a state c that gates write to, forget and read.

    With ``(i, f, g, o)`` the quarters of ``aₜ + W hₜ₋₁``, in this order:
    ``cₜ = σ(f) cₜ₋₁ + σ(i) tanh(g)``, ``hₜ = σ(o) tanh(cₜ)``.

    Parameters
    ----------
    a : (time, rows, 4 · units)
        What the inputs give to each step, biases included.
    weight : (4 · units, outputs)
        W; outputs is units, or the projection's.
    h : (rows, outputs)
        Output before the first step.
    c : (rows, units)
        Cell state before the first step.
    added : (time, rows, outputs), optional
        As of `rnn`: added to hₜ.
    peephole : (3, units), optional
        Weights by which i and f see cₜ₋₁, and o sees cₜ.
    projection : (outputs, units), optional
        ``hₜ = P (σ(o) tanh(cₜ))``.
    mask, keep, reverse, form :
        As of `rnn`. With peephole or projection, "fused" is the plain form.

    Returns
    -------
    [outputs, cells, gates]
        hₜ (time, rows, outputs), cₜ (time, rows, units), and σ(i), σ(f), tanh(g), σ(o) in (time, rows, 4 · units).

    References
    ----------
    Hochreiter, Schmidhuber: Long Short-Term Memory, Neural Computation 9(8), 1997. Forget gate and peepholes: Gers,
    Schmidhuber, Cummins, 1999; Gers, Schraudolph, Schmidhuber, 2002. Projection: Sak, Senior, Beaufays, 2014.

    >>> import numpy as np
    >>> outputs, cells, gates = lstm(np.zeros((1, 1, 4)), np.zeros((4, 1)), np.zeros((1, 1)), np.ones((1, 1)))
    >>> gates.tolist(), cells.tolist(), outputs.round(4).tolist()
    ([[[0.5, 0.5, 0.0, 0.5]]], [[[0.5]]], [[[0.2311]]])
    """
    require_shapes("lstm", a, weight, 4, {"h": (h, weight.shape[1]), "c": (c, weight.shape[0] // 4)}, mask)
    require_form(form)
    units = weight.shape[0] // 4
    for label, array, shape in (
        ("peephole", peephole, (3, units)),
        ("projection", projection, (weight.shape[1], units)),
    ):
        if array is not None and tuple(array.shape) != shape:
            raise ShapeError(f"lstm: {label} needs shape {shape}, got {tuple(array.shape)}")

    def plain(a: Any, weight: Any, h: Any, c: Any, added: Any = None) -> Arrays:
        def cell(state: Any, x: Any) -> tuple[Any, Any]:
            return _cell(state, x, weight, keep, peephole, projection)

        start = {"h": h, "c": c}
        return list(scan(cell, start, (a, added, mask), reverse=reverse, unroll=form == "unrolled")[1])

    inputs = in_one_type({"a": a, "weight": weight, "h": h, "c": c} | ({} if added is None else {"added": added}))
    if form != "fused" or peephole is not None or projection is not None:
        return plain(*inputs.values())

    def forward(loop: Any, a: Any, weight: Any, h: Any, c: Any, added: Any = None) -> Arrays:
        def step(state: Any, x: Any) -> tuple[Any, Any]:
            h, c = state
            from_input, extra, m = x
            total = from_input + product(h if keep is None else h * keep, weight.mT)
            i, f = sigmoid(total[:, :units]), sigmoid(total[:, units : 2 * units])
            g, o = tanh(total[:, 2 * units : 3 * units]), sigmoid(total[:, 3 * units :])
            new_c = f * c + i * g
            new_h, new_c = unless_masked(m, plus(o * tanh(new_c), extra), h), unless_masked(m, new_c, c)
            return (new_h, new_c), (new_h, new_c, namespace(i).concatenate([i, f, g, o], axis=-1))

        return list(loop(step, (h, c), (a, added, mask), reverse=reverse)[1])

    def backward(loop: Any, upstreams: Any, results: Any, arrays: Any) -> Arrays:
        (hs, cs, gates), (_, weight, h, c, *added) = results, arrays

        def back(state: Any, x: Any) -> tuple[Any, Any]:
            dh, dc = state
            gates, c, before, dy, dz, m = x
            dh = dh if dy is None else dh + dy
            dc = dc if dz is None else dc + dz
            i, f, g, o = (gates[:, k * units : (k + 1) * units] for k in range(4))
            t = tanh(c)
            into = dc + dh * (o * (1.0 - t * t))
            parts = [
                into * g * (i * (1.0 - i)),
                into * before * (f * (1.0 - f)),
                into * i * (1.0 - g * g),
                dh * t * (o * (1.0 - o)),
            ]
            da = namespace(into).concatenate(parts, axis=-1)
            da = da if m is None else where(m[:, None], da, 0.0)
            by_h = product(da, weight)
            carried = (unless_masked(m, by_h if keep is None else by_h * keep, dh), unless_masked(m, into * f, dc))
            return carried, (da, own_gradient(dh, m) if added else None)

        rows = (gates, cs, shifted(c, cs, reverse), *upstreams, mask)
        (dh, dc), (da, d_added) = loop(back, (begun(None, h), begun(None, c)), rows, reverse=not reverse)
        gradients = [da, weight_gradient(da, shifted(h, hs, reverse), keep), dh, dc]
        return [*gradients, d_added] if added else gradients

    return fused("lstm", inputs, forward, backward, plain, 2, mask=mask, keep=keep, reverse=reverse)


def _cell(state: Any, x: Any, weight: Any, keep: Any, peephole: Any, projection: Any) -> tuple[Any, Any]:
    """One step of operations: the new state, and what is told of the step."""
    h, c = state["h"], state["c"]
    from_input, extra, m = x
    units = c.shape[-1]
    total = from_input + linear(h if keep is None else h * keep, weight)
    i, f, g, o = (total[:, k * units : (k + 1) * units] for k in range(4))
    if peephole is not None:
        i, f = i + peephole[0] * c, f + peephole[1] * c
    i, f, g = sigmoid(i), sigmoid(f), tanh(g)
    new_c = f * c + i * g
    o = sigmoid(o if peephole is None else o + peephole[2] * new_c)
    new_h = o * tanh(new_c)
    new_h = plus(new_h if projection is None else linear(new_h, projection), extra)
    state = {"h": unless_masked(m, new_h, h), "c": unless_masked(m, new_c, c)}
    return state, (state["h"], state["c"], concatenate([i, f, g, o], axis=-1))
