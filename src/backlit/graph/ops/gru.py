"""The gated recurrent unit's recurrence in both published forms, plain and fused."""

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
        sample((3, 2, 6), (6, 2), (2, 2)),
        sample((3, 2, 6), (6, 2), (2, 2), (2,)),
        sample((3, 2, 6), (6, 2), (2, 2), mask=MASK, reverse=True),
        sample((3, 2, 6), (6, 2), (2, 2), (2,), mask=MASK, reverse=True),
        sample((3, 2, 6), (6, 2), (2, 2), (2,), (3, 2, 2), mask=MASK),
    ),
)
def gru(
    a: Any,
    weight: Any,
    h: Any,
    bias: Any = None,
    added: Any = None,
    *,
    mask: Any = None,
    keep: Any = None,
    reverse: bool = False,
    form: str = "fused",
) -> Arrays:
    """Gated recurrent unit: a share z of the state stays, the rest is a candidate n.

    ``r = σ(aʳ + Wʳ h)``, ``z = σ(aᶻ + Wᶻ h)``, ``h ← (1 - z) n + z h``; a and W are three thirds: r, z, n.
    The candidate's two published forms differ in where the reset gate r acts:

    * without `bias`, before the matrix product: ``n = tanh(aⁿ + Wⁿ (r h))`` (Cho et al., arXiv:1406.1078v3);
    * with `bias`, after it: ``n = tanh(aⁿ + r (Wⁿ h + b))`` (version 1 of that paper; cuDNN's and PyTorch's).

    Parameters
    ----------
    a : (time, rows, 3 · units)
        What the inputs give to each step, biases included.
    weight : (3 · units, units)
        W.
    h : (rows, units)
        State before the first step.
    bias : (units,), optional
        b; chooses the form, so give zeros if there is to be none.
    added : (time, rows, units), optional
        As of `rnn`.
    mask, keep, reverse, form :
        As of `rnn`.

    Returns
    -------
    [states, gates]
        (time, rows, units), and r, z, n in (time, rows, 3 · units).

    References
    ----------
    Cho et al.: Learning Phrase Representations using RNN Encoder-Decoder, EMNLP 2014 (arXiv:1406.1078).

    >>> import numpy as np
    >>> states, gates = gru(np.zeros((1, 1, 3)), np.zeros((3, 1)), np.ones((1, 1)))
    >>> states.tolist(), gates.tolist()
    ([[[0.5]]], [[[0.5, 0.5, 0.0]]])
    """
    units = weight.shape[0] // 3
    require_shapes("gru", a, weight, 3, {"h": (h, weight.shape[1])}, mask)
    require_form(form)
    if bias is not None and tuple(bias.shape) != (units,):
        raise ShapeError(f"gru: bias needs shape ({units},), one number a unit, got {tuple(bias.shape)}")
    optional = {name: array for name, array in {"bias": bias, "added": added}.items() if array is not None}
    inputs = in_one_type({"a": a, "weight": weight, "h": h, **optional})
    cell = _reset_before if bias is None else _reset_after

    def sorted_out(rest: tuple[Any, ...]) -> tuple[list[Any], Any]:
        """Of the inputs that may be left out: the bias, as a list of one or none, and what is added."""
        given = dict(zip(optional, rest, strict=True))
        return [given["bias"]] if "bias" in given else [], given.get("added")

    def plain(a: Any, weight: Any, h: Any, *rest: Any) -> Arrays:
        bias, added = sorted_out(rest)

        def step(state: Any, x: Any) -> tuple[Any, Any]:
            h, (from_input, extra, m) = state["h"], x
            r, z, n, _ = cell(from_input, h if keep is None else h * keep, weight, *bias)
            new = unless_masked(m, plus(n + z * (h - n), extra), h)
            return {"h": new}, (new, concatenate([r, z, n], axis=-1))

        return list(scan(step, {"h": h}, (a, added, mask), reverse=reverse, unroll=form == "unrolled")[1])

    if form != "fused":
        return plain(*inputs.values())

    def forward(loop: Any, a: Any, weight: Any, h: Any, *rest: Any) -> Arrays:
        bias, added = sorted_out(rest)

        def step(h: Any, x: Any) -> tuple[Any, Any]:
            from_input, extra, m = x
            r, z, n, inner = cell(from_input, h if keep is None else h * keep, weight, *bias)
            new = unless_masked(m, plus(n + z * (h - n), extra), h)
            return new, (new, namespace(r).concatenate([r, z, n], axis=-1), inner)

        hs, gates, inner = loop(step, h, (a, added, mask), reverse=reverse)[1]
        return [hs, gates, inner]

    def backward(loop: Any, upstreams: Any, results: Any, arrays: Any) -> Arrays:
        (hs, gates, inner), (_, weight, h, *rest) = results, arrays
        bias, added = sorted_out(rest)
        before = shifted(h, hs, reverse)
        used = before if keep is None else before * keep
        back_cell = _reset_after_back if bias else _reset_before_back

        def back(dh: Any, x: Any) -> tuple[Any, Any]:
            gates, inner, h, used, dy, m = x
            dh = dh if dy is None else dh + dy
            r, z, n = (gates[:, k * units : (k + 1) * units] for k in range(3))
            da_z = dh * (h - n) * (z * (1.0 - z))
            da_n = dh * (1.0 - z) * (1.0 - n * n)
            if m is not None:
                da_z, da_n = where(m[:, None], da_z, 0.0), where(m[:, None], da_n, 0.0)
            da, by_product, by_h = back_cell(da_z, da_n, r, inner, used, weight)
            new = dh * z + (by_h if keep is None else by_h * keep)
            return unless_masked(m, new, dh), (da, by_product, None if added is None else own_gradient(dh, m))

        dh, (da, by_product, d_added) = loop(
            back, begun(None, h), (gates, inner, before, used, upstreams[0], mask), reverse=not reverse
        )
        last_input = [] if added is None else [d_added]
        if bias:  # all three products are of h
            by_bias = by_product[..., 2 * units :].sum(axis=(0, 1))
            return [da, weight_gradient(by_product, used, None), dh, by_bias, *last_input]
        first = weight_gradient(da[..., : 2 * units], used, None)
        last = weight_gradient(da[..., 2 * units :], inner, None)
        return [da, namespace(da).concatenate([first, last]), dh, *last_input]

    settings = {"mask": mask, "keep": keep, "reverse": reverse}
    return fused("gru", inputs, forward, backward, lambda *arrays: [*plain(*arrays), None], 1, **settings)[:2]


def _reset_before(a: Any, h: Any, weight: Any) -> tuple[Any, Any, Any, Any]:
    """Gates r, z, n, and ``r h``."""
    units = h.shape[-1]
    rz = sigmoid(a[:, : 2 * units] + linear(h, weight[: 2 * units]))
    r, z = rz[:, :units], rz[:, units:]
    inner = r * h
    return r, z, tanh(a[:, 2 * units :] + linear(inner, weight[2 * units :])), inner


def _reset_after(a: Any, h: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any, Any]:
    """Gates r, z, n, and ``Wⁿ h + b``."""
    units = h.shape[-1]
    product = linear(h, weight)
    rz = sigmoid(a[:, : 2 * units] + product[:, : 2 * units])
    r, z = rz[:, :units], rz[:, units:]
    inner = product[:, 2 * units :] + bias
    return r, z, tanh(a[:, 2 * units :] + r * inner), inner


def _reset_before_back(da_z: Any, da_n: Any, r: Any, inner: Any, h: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Gradient of a, of the products of W (the same), and of h through them."""
    units = h.shape[-1]
    by_inner = product(da_n, weight[2 * units :])
    da_r = by_inner * h * (r * (1.0 - r))
    da = namespace(da_r).concatenate([da_r, da_z, da_n], axis=-1)
    return da, None, by_inner * r + product(da[:, : 2 * units], weight[: 2 * units])


def _reset_after_back(da_z: Any, da_n: Any, r: Any, inner: Any, h: Any, weight: Any) -> tuple[Any, Any, Any]:
    """The same; the products of W get the candidate's gradient through r."""
    xp = namespace(da_z)
    da_r = da_n * inner * (r * (1.0 - r))
    by_product = xp.concatenate([da_r, da_z, da_n * r], axis=-1)
    return xp.concatenate([da_r, da_z, da_n], axis=-1), by_product, product(by_product, weight)
