"""Another last layer on a trained body."""

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError, ShapeError
from backlit.graph import tree


def test_the_body_stays_and_the_head_is_drawn(rng: np.random.Generator) -> None:
    body = (bl.Conv2d(3, 2), bl.BatchNorm(), bl.Residual(bl.Linear(3)), bl.Flatten())
    old = bl.Sequential(*body, bl.Linear(10), bl.Softmax()).build((4, 4, 2), dtype="float64")
    old = old.replace(
        params=tree.map(lambda leaf: rng.normal(size=leaf.shape), old.params),
        state={path: rng.uniform(0.5, 1, leaf.shape) for path, leaf in old.state.items()},
    ).freeze("0", "4")
    new = old.with_head(bl.Sequential(bl.Linear(5), bl.Tanh(), bl.Linear(2)), seed=3)
    assert new.output_shape == (2,)
    assert new.dtype == np.float64
    assert new.frozen == ("0/weight", "0/bias")
    x = rng.normal(size=(3, 4, 4, 2))
    features = {}
    for network in (old, new):
        network.apply(network.params, x, tap=lambda path, y, n=network: features.setdefault((id(n), path), y))
    np.testing.assert_array_equal(features[id(old), "3"], features[id(new), "3"])
    other = old.with_head(bl.Linear(5), seed=4)
    assert not np.array_equal(other.params["4"]["weight"], new.params["4"]["0"]["weight"])


def test_the_last_sequential_is_looked_into() -> None:
    inner = bl.Sequential(bl.Linear(6), bl.ReLU(), bl.Linear(4))
    network = bl.Sequential(bl.Linear(8), inner, bl.Sigmoid()).build((3,)).with_head(bl.Linear(1))
    assert repr(network.architecture) == "Sequential(Linear(8), Sequential(Linear(6), ReLU(), Linear(1)))"


def test_many_layers_are_told_apart_by_number() -> None:
    network = bl.Sequential(*[bl.Linear(3) for _ in range(11)], bl.Linear(2)).build((3,))
    new = network.with_head(bl.Linear(5))
    for place in range(11):
        assert new.params[str(place)]["weight"] is network.params[str(place)]["weight"]


@pytest.mark.parametrize(
    ("architecture", "head", "error", "message"),
    [
        (bl.Linear(3), bl.Linear(2), InputError, "Linear.* is no Sequential, so its last layer can't be told"),
        (bl.Sequential(bl.ReLU()), bl.Linear(2), InputError, "no layer of Sequential.* has parameters"),
        (bl.Sequential(bl.Linear(3)), 5, InputError, "with_head takes a layer such as .*, got 5"),
        (bl.Sequential(bl.Linear(3)), bl.Conv2d(2, 2), ShapeError, "Conv2d"),
    ],
)
def test_mistakes(architecture: Any, head: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        architecture.build((3,)).with_head(head)
