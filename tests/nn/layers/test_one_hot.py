"""One-hot input: the same as an embedding of the identity, in both engines."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError

CODES = np.array([[3, 0, 2], [1, 1, 3]], dtype=np.int32)


def test_a_one_at_the_place_of_each_number():
    assert np.array_equal(bl.OneHot(4).build((3,))(CODES), np.eye(4, dtype="float32")[CODES])


def test_it_equals_an_embedding_of_the_identity_values_and_gradients():
    head = bl.Linear(2)
    one_hot = bl.Sequential(bl.OneHot(4), head).build((3,), seed=1, dtype="float64")
    embedded = bl.Sequential(bl.Embedding(4, 4), head).build((3,), seed=1, dtype="float64")
    table = {"0": {"weight": np.eye(4)}, "1": one_hot.params["1"]}
    assert np.array_equal(one_hot(CODES), embedded.replace(params=table)(CODES))

    def value(network):
        return lambda weights, start: (network.apply({**start, "1": weights}, CODES)[0] ** 2).sum()

    first = bl.grad(lambda w: value(one_hot)(w, {}))(one_hot.params["1"])
    second = bl.grad(lambda w: value(embedded)(w, {"0": table["0"]}))(one_hot.params["1"])
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol=1e-14)


def test_a_compiled_network_says_the_same_and_spoils_numbers_without_a_place():
    network = bl.OneHot(4).build((3,))
    compiled = bl.compile(lambda x: network.apply(network.params, x)[0])
    assert np.array_equal(compiled(CODES), network(CODES))
    assert np.isnan(np.asarray(compiled(CODES + 1))[0, 0]).all()


def test_it_trains_from_whole_numbers():
    x = np.arange(4).repeat(8)[:, None]
    run = bl.fit(
        bl.Sequential(bl.OneHot(4), bl.Flatten(), bl.Linear(2)), x, x[:, 0] % 2, epochs=60, optimizer=bl.Adam(0.1)
    )
    assert run.evaluate(x, x[:, 0] % 2)["accuracy"] == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bl.OneHot(0), "count must be a whole number of at least 1"),
        (lambda: bl.OneHot(4).build((1,))([[4]]), "from 0 to 3, got 4 in row 0, place 0"),
        (lambda: bl.OneHot(4).build((1,))([[-1]]), "from 0 to 3, got -1 in row 0, place 0"),
        (lambda: bl.OneHot(4).build((1,))(np.array([[0.5]])), "whole numbers from 0 to 3, got dtype float64"),
    ],
)
def test_what_has_no_place_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
