"""Attention: against PyTorch, formulas and finite differences; masks; errors."""

from typing import Any

import numpy as np
import pytest
import torch

import backlit as bl
from backlit import ops
from backlit.graph import tree

ROWS, QUERIES, TIME, SIZE, VALUES = 3, 2, 5, 4, 6


def arrays(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    return (
        rng.normal(size=(ROWS, QUERIES, SIZE)),
        rng.normal(size=(ROWS, TIME, SIZE)),
        rng.normal(size=(ROWS, TIME, VALUES)),
    )


def mask() -> np.ndarray:
    found = np.ones((ROWS, TIME), dtype=bool)
    found[0, 3:] = found[1, :2] = False
    return found


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
def test_dot_attention_equals_pytorchs(masked: bool, rng: np.random.Generator) -> None:
    given = arrays(rng)
    own_mask = mask() if masked else None
    theirs = [torch.tensor(x, requires_grad=True) for x in given]
    expected = torch.nn.functional.scaled_dot_product_attention(
        *theirs, attn_mask=torch.tensor(own_mask)[:, None] if masked else None
    )
    (expected**2).sum().backward()

    def f(*given: Any) -> Any:
        context, _ = bl.dot_attention(*given, mask=own_mask)
        return (context**2).sum(), context

    g = bl.value_and_grad(f, (0, 1, 2), has_aux=True)
    for run in (g, bl.compile(g)):
        (_, context), gradients = run(*given)
        np.testing.assert_allclose(context, expected.detach(), rtol=1e-12)
        for ours, other in zip(gradients, theirs, strict=True):
            np.testing.assert_allclose(ours, other.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
def test_additive_attention_by_its_formula(masked: bool, rng: np.random.Generator) -> None:
    query, keys, values = arrays(rng)
    attention = bl.AdditiveAttention(7)
    params = tree.map(lambda leaf: rng.normal(size=leaf.shape), attention.init(bl.Key(0), SIZE, SIZE))
    own_mask = mask() if masked else None
    context, weights = attention(params, query, keys, values, mask=own_mask)
    w, u, v = (params[name]["weight"] for name in ("query", "key", "score"))
    for row in range(ROWS):
        for q in range(QUERIES):
            scores = np.array([float(v[0] @ np.tanh(w @ query[row, q] + u @ keys[row, t])) for t in range(TIME)])
            shares = np.exp(scores) * (1 if own_mask is None else own_mask[row])
            shares /= shares.sum()
            np.testing.assert_allclose(weights[row, q], shares, rtol=1e-12)
            np.testing.assert_allclose(context[row, q], shares @ values[row], rtol=1e-12)
    bl.check_gradients(lambda p, *given: attention(p, *given, mask=own_mask), params, query, keys, values)
    compiled = bl.compile(lambda p, *given: attention(p, *given, mask=own_mask))(params, query, keys, values)
    np.testing.assert_allclose(compiled[0], context, rtol=1e-12)


def test_one_query_is_the_first_of_one(rng: np.random.Generator) -> None:
    query, keys, values = arrays(rng)
    attention = bl.AdditiveAttention(3)
    params = attention.init(bl.Key(0), SIZE, SIZE)
    for f in (bl.dot_attention, lambda *given: attention(params, *given)):
        several, single = f(query, keys, values), f(query[:, 0], keys, values)
        for a, b in zip(several, single, strict=True):
            np.testing.assert_allclose(a[:, 0], b, rtol=1e-14)
            assert b.shape == a.shape[:1] + a.shape[2:]


def test_a_decoder_learns_where_to_look(rng: np.random.Generator) -> None:
    """Rows hold numbers at places; the query names the place: attention finds it, and its weights say so."""
    x = rng.normal(size=(200, TIME, 1))
    places = rng.integers(0, TIME, 200)
    keys = np.concatenate([x, np.tile(np.eye(TIME), (200, 1, 1))], axis=2)
    query, target = np.eye(TIME)[places], x[np.arange(200), places]
    attention = bl.AdditiveAttention(12)
    params = attention.init(bl.Key(0), TIME, TIME + 1)

    def loss(params: Any) -> Any:
        return ops.mean((attention(params, query, keys, x)[0] - target) ** 2)

    step = bl.compile(bl.value_and_grad(loss))
    adam = bl.Adam(0.03)
    state = adam.init(params)
    for i in range(300):
        value, gradient = step(params)
        updates, state = adam.update(tree.map(np.asarray, gradient), state, params, i)
        params = tree.map(lambda p, u: p + u, params, updates)
    assert float(value) < 0.02
    assert (attention(params, query, keys, x)[1].argmax(axis=1) == places).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda z: bl.dot_attention(z(3), z(3, 5, 4), z(3, 5, 4)), r"needs a query \(rows, size\) or"),
        (lambda z: bl.dot_attention(z(3, 2), z(3, 5, 4), z(3, 5, 4)), "queries of size 2 .* keys of size 4; make them"),
        (lambda z: bl.dot_attention(z(3, 4), z(3, 5, 4), z(3, 6, 4)), "a value for each key"),
        (lambda z: bl.dot_attention(z(2, 4), z(3, 5, 4), z(3, 5, 4)), "equally many rows"),
        (lambda z: bl.dot_attention(z(3, 4), z(3, 0, 4), z(3, 0, 4)), "no time steps to look at"),
        (lambda z: bl.dot_attention(z(1, 4), z(1, 5, 4), z(1, 5, 4), mask=z(1, 4) == 0), r"\(1, 5\), got \(1, 4\)"),
        (lambda z: bl.dot_attention(z(1, 4), z(1, 5, 4), z(1, 5, 4), mask=z(1, 5) == 1), "hides all of row 0; leave"),
        (lambda z: bl.AdditiveAttention(0), "units must be a whole number"),
        (
            lambda z: bl.AdditiveAttention(2)(
                bl.AdditiveAttention(2).init(bl.Key(0), 4, 4), z(3, 4), z(3, 5, 6), z(3, 5, 4)
            ),
            "made for a key of size 4",
        ),
    ],
)
def test_errors(call: Any, words: str) -> None:
    with pytest.raises(bl.BacklitError, match=words):
        call(lambda *shape: np.zeros(shape))
