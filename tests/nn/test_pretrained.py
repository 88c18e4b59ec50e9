"""Pretrained vectors as the start of an embedding."""

import numpy as np
import pytest

import backlit as bl
from backlit.data import Tokenizer, Vectors
from backlit.errors import InputError, ShapeError

TOKENIZER = Tokenizer("words", ("good", "Film", "zzz"))
VECTORS = Vectors(("film", "good", "bad"), np.array([[1.0, 10], [3, 30], [5, 50]], dtype="float32"))


def network(size=2, count=TOKENIZER.size):
    return bl.Sequential(bl.Masked(bl.Embedding(count, size), bl.GlobalAvgPool()), bl.Linear(1)).build((3,), seed=3)


def test_tokens_get_their_vectors_and_those_without_are_told():
    start = network()
    given, missing = bl.with_vectors(start, "0/body/0", TOKENIZER, VECTORS)
    assert missing == ["zzz"]
    table = given.params["0"]["body"]["0"]["weight"]
    assert table[4:6].tolist() == [[3, 30], [1, 10]]  # "Film" takes that of "film"
    assert table.dtype == np.float32
    assert np.array_equal(given.params["1"]["weight"], start.params["1"]["weight"])
    assert start.params["0"]["body"]["0"]["weight"][4].tolist() != [3, 30]  # the one before is as it was


def test_the_others_are_drawn_with_the_spread_of_the_found_ones():
    rng = np.random.default_rng(0)
    matrix = (rng.normal(size=(500, 4)) * [1, 2, 3, 4] + [5, 6, 7, 8]).astype("float32")
    words = tuple(f"w{i}" for i in range(500))
    tokenizer = Tokenizer("words", words + tuple(f"x{i}" for i in range(2000)))
    start = bl.Embedding(tokenizer.size, 4).build((3,))
    given, missing = bl.with_vectors(start, "", tokenizer, Vectors(words, matrix))
    assert len(missing) == 2000
    drawn = given.params["weight"][504:]
    np.testing.assert_allclose(drawn.mean(axis=0), matrix.mean(axis=0), atol=0.4)
    np.testing.assert_allclose(drawn.std(axis=0), matrix.std(axis=0), rtol=0.1)
    again, _ = bl.with_vectors(start, "", tokenizer, Vectors(words, matrix))
    assert np.array_equal(again.params["weight"], given.params["weight"])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: bl.with_vectors(network(), "0", TOKENIZER, VECTORS), InputError, "did you mean '0/body/0'|0/body/0"),
        (lambda: bl.with_vectors(network(3), "0/body/0", TOKENIZER, VECTORS), ShapeError, r"need Embedding\(7, 2\)"),
        (lambda: bl.with_vectors(network(2, 9), "0/body/0", TOKENIZER, VECTORS), ShapeError, r"need Embedding\(7, 2\)"),
        (
            lambda: bl.with_vectors(network(), "0/body/0", TOKENIZER, Vectors(("x",), np.ones((1, 2), "float32"))),
            InputError,
            "no token of the tokenizer has a vector",
        ),
    ],
)
def test_what_doesnt_fit_is_told(call, error, message):
    with pytest.raises(error, match=message):
        call()
