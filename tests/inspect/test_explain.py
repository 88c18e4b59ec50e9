"""Explanations: the notes' numbers, every Jacobian against its product, the origin of NaN."""

import json
import time

import numpy as np
import pytest

import backlit as bl
from backlit.errors import GradientError, UnknownNameError


def w1():
    x, y, z = bl.tensor(-2.0, name="x"), bl.tensor(5.0, name="y"), bl.tensor(-4.0, name="z")
    return bl.explain((x + y) * z)


def test_w1_to_the_digit():
    found = w1()
    values = {node.name: (float(node.value), float(node.upstream)) for node in found}
    assert values == {"x": (-2, -4), "y": (5, -4), "z": (-4, 3), "q": (3, -4), "f": (-12, 1)}
    assert [(e.parent, float(e.local), float(e.downstream)) for e in found["f"].edges] == [("q", -4, -4), ("z", 3, 3)]
    assert [(e.parent, float(e.local), float(e.downstream)) for e in found["q"].edges] == [("x", 1, -4), ("y", 1, -4)]


def test_gates_are_told_in_words():
    found = w1()
    assert found["q"].gate.startswith("distributes")
    assert found["f"].gate.startswith("swaps")
    x = bl.tensor(3.0, name="x")
    copied = bl.explain(x * 2.0 + x * 5.0)
    assert "copied to 2 uses: their gradients add up" in copied["x"].gate
    assert sorted(float(g) for _, g in copied["x"].uses) == [2.0, 5.0]
    assert float(copied["x"].upstream) == 7.0
    a, b = bl.tensor(1.0, name="a"), bl.tensor(2.0, name="b")
    routed = bl.explain(bl.ops.maximum(a, b))
    assert "routes" in routed.output.gate
    assert (float(routed["a"].upstream), float(routed["b"].upstream)) == (0.0, 1.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda v, w: bl.ops.softmax(v @ w),
        lambda v, w: bl.ops.tanh(v) * v,
        lambda v, w: bl.ops.log_softmax(w, axis=0),
        lambda v, w: w.sum(axis=1) - bl.ops.exp(v),
        lambda v, w: bl.ops.concatenate([v, w[0]]),
        lambda v, w: w * v[:2],
        lambda v, w: bl.ops.linear(v, w.T),
    ],
)
def test_upstream_times_the_explicit_matrix_is_downstream(f, rng):
    v, w = bl.tensor(rng.normal(size=3), name="v"), bl.tensor(rng.normal(size=(3, 2)), name="w")
    output = f(v, w)
    upstream = rng.normal(size=output.shape)
    for node in bl.explain(output, upstream):
        for place, edge in enumerate(node.edges):
            matrix = node.jacobian(place if len({e.parent for e in node.edges}) < len(node.edges) else edge.parent)
            assert matrix.shape == np.shape(node.value) + np.shape(edge.downstream)
            product = np.tensordot(node.upstream, matrix, axes=np.ndim(node.upstream))
            np.testing.assert_allclose(product, edge.downstream, atol=1e-12)


def test_jacobian_of_softmax_is_the_textbooks():
    v = bl.tensor([0.5, -1.0, 2.0], name="v")
    y = bl.ops.softmax(v)
    p = y.value
    np.testing.assert_allclose(bl.explain(y, np.ones(3)).output.jacobian("v"), np.diag(p) - np.outer(p, p), atol=1e-15)


def test_the_origin_of_nan_is_told_from_what_only_hands_it_on():
    x = bl.tensor([1.0, -1.0], name="x")
    found = bl.explain((bl.ops.log(x - 0.5) * 3.0).sum())
    assert "q2 = log(q1) made the first NaN or infinite value, from [0.5, -1.5]" in found.first_nonfinite
    assert found.first_nonfinite in str(found)
    assert w1().first_nonfinite is None
    assert "x was given with" in bl.explain(bl.tensor([np.nan, 1.0], name="x").sum()).first_nonfinite


def test_as_text_and_as_data():
    text = str(w1())
    assert "q     = x + y    3      -4        x   1      -4" in text
    assert w1().tree().splitlines()[:2] == ["f = q · z = -12   gradient 1", "  q = x + y = 3   gradient -4"]
    data = json.loads(json.dumps(bl.explain(bl.ops.log(bl.tensor(-1.0))).to_dict(), allow_nan=False))
    assert data["nodes"][-1]["value"] is None


def test_names_of_its_own_for_unnamed_nodes_never_clash():
    q1 = bl.tensor(2.0, name="q1")
    other = bl.tensor(3.0, name="q1")
    names = [node.name for node in bl.explain((q1 * other + 1.0) * 2.0)]
    assert len(set(names)) == len(names)


def test_a_step_function_is_shown_to_stop_the_gradient():
    found = bl.explain(bl.ops.sign(bl.tensor(2.0, name="x")) * 3.0)
    assert "0 (step)" in str(found)
    assert float(found["x"].upstream) == 0.0


def test_large_graphs_are_summarised_not_frozen():
    x = bl.tensor(1.0, name="x")
    y = x
    for _ in range(20_000):
        y = y * 1.0001
    begin = time.process_time()
    found = bl.explain(y)
    text = str(found) + found.tree()
    assert time.process_time() - begin < 20
    assert "more)" in text
    assert len(text) < 20_000
    big = str(bl.explain((bl.tensor(np.ones((300, 200)), name="w") * 2.0).sum()))
    assert "300×200, mean 1" in big


def test_mistakes():
    with pytest.raises(GradientError, match="needs a Tensor, got float"):
        bl.explain(3.0)
    with pytest.raises(GradientError, match="real numbers, got dtype int64"):
        bl.explain(bl.tensor(2) * 3)
    with pytest.raises(GradientError, match=r"upstream has shape \(3,\), the output \(\)"):
        bl.explain(bl.tensor(2.0) * 3.0, np.ones(3))
    with pytest.raises(UnknownNameError, match="unknown node 'qq'; did you mean 'q'"):
        w1()["qq"]
    with pytest.raises(UnknownNameError, match="unknown input of f 'x'"):
        w1()["f"].jacobian("x")
