"""Networks of several inputs and outputs against Keras' functional API, trained side by side in float64."""

import os
from typing import Any

import numpy as np
import pytest

import backlit as bl

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # what Keras warns of at import isn't ours


@pytest.fixture(scope="module")
def keras() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return pytest.importorskip("keras")


def test_the_functional_api_trains_to_the_same_outputs(keras: Any) -> None:
    """Twenty full-batch updates: the history's losses, each head's and the weighted sum, and what is predicted."""
    rng = np.random.default_rng(0)
    x = {"a": rng.normal(size=(30, 4)), "b": rng.normal(size=(30, 2))}
    y = {"kind": rng.integers(0, 3, 30), "price": rng.normal(size=(30, 1))}
    weights = {"kind": np.ones(30), "price": np.ones(30)}
    a, b = keras.Input((4,), name="a", dtype="float64"), keras.Input((2,), name="b", dtype="float64")
    dense = lambda units, name, act=None: keras.layers.Dense(units, act, name=name, dtype="float64")
    joined = dense(6, "join", "tanh")(keras.layers.Concatenate(dtype="float64")([dense(5, "first", "tanh")(a), b]))
    model = keras.Model({"a": a, "b": b}, {"kind": dense(3, "kind")(joined), "price": dense(1, "price")(joined)})
    model.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss={"kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "price": "mse"},
        loss_weights={"kind": 1.0, "price": 0.3},
    )
    network = bl.Wired(
        {
            "first": bl.Sequential(bl.Linear(5), bl.Tanh()),
            "join": bl.Sequential(bl.Linear(6), bl.Tanh()),
            "kind": bl.Linear(3),
            "price": bl.Linear(1),
        },
        [("a", "first"), ("first", "join"), ("b", "join"), ("join", "kind"), ("join", "price")],
        combine={"join": "concatenate"},
        inputs=("a", "b"),
        outputs=("kind", "price"),
    ).build({"a": (4,), "b": (2,)}, dtype="float64")
    for name, own in network.params.items():
        own = own.get("0", own)
        model.get_layer(name).set_weights([np.asarray(own["weight"]).T, np.asarray(own["bias"])])
    theirs = model.fit(x, y, epochs=20, batch_size=30, shuffle=False, verbose=0).history
    run = bl.fit(
        network, x, y, loss={"kind": "cross_entropy", "price": "mse"}, loss_weights={"price": 0.3}, batch_size="full",
        epochs=20, optimizer=bl.SGD(0.1), dtype="float64", engine="numpy", probes=None, progress=False,
        sample_weight=weights,
    )  # fmt: skip
    for name in ("loss", "kind_loss", "price_loss"):
        np.testing.assert_allclose(run.history[name], theirs[name], rtol=1e-6)
    expected = model.predict(x, verbose=0)
    for name, outputs in run.outputs(x).items():
        np.testing.assert_allclose(outputs, expected[name], atol=1e-6)  # Keras casts what it is given to float32
