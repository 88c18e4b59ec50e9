"""Keras models of several inputs and outputs: names, outputs, files, and back."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import backlit as bl
from tests.exchange.keras.test_keras import numpy, stirred

pytestmark = pytest.mark.filterwarnings("ignore:.*copy keyword:DeprecationWarning")  # Keras' variables and NumPy 2
K = keras.layers
NAMES = ("image", "meta", "words")


def given() -> list[Any]:
    """A picture, a table and a text."""
    image, meta = keras.Input((6, 6, 1), name="image"), keras.Input((3,), name="meta")
    return [image, meta, keras.Input((4,), name="words", dtype="int32")]


def trunk_and_heads(as_dicts: bool = False) -> Any:
    image, meta, words = given()
    look = K.Conv2D(2, 3, padding="same", name="look")(image)
    look = K.Flatten()(K.Add()([look, K.ReLU()(K.BatchNormalization()(look))]))
    read = K.GRU(3)(K.Embedding(7, 2, name="read")(words))
    both = K.Concatenate()([look, meta, read])
    trunk = K.Dense(4, activation="tanh", name="trunk")(both)
    trunk = K.Add()([trunk, K.Dense(4)(trunk)])
    kind = K.Dense(3, activation="softmax", name="kind")(trunk)
    price = K.Dense(1, name="price")(K.Concatenate()([trunk, meta]))
    if as_dicts:
        return keras.Model(dict(zip(NAMES, (image, meta, words), strict=True)), {"which": kind, "cost": price})
    return keras.Model([image, meta, words], [kind, price])


def inner_model_and_layer_in_between() -> Any:
    """A model within, of two inputs and outputs; a layer that others use gives an output; one output is its input."""
    image, meta, words = given()
    a, b = keras.Input((3,)), keras.Input((2,))
    inner = keras.Model([a, b], [K.Average()([a, K.Dense(3)(b)]), K.Dense(2)(b)], name="inner")
    dense = K.Dense(2, name="dense")(K.GlobalMaxPooling2D()(image))
    first, second = inner([meta, dense])
    counts = K.Flatten()(K.Embedding(7, 2)(words))
    return keras.Model([image, meta, words], [first, second, dense, K.Concatenate(name="mixed")([counts, dense]), meta])


def one_answer() -> Any:
    image, meta, words = given()
    joined = K.Concatenate()([K.Flatten()(image), meta, K.Flatten()(K.Embedding(7, 2)(words))])
    return keras.Model([image, meta, words], K.Dense(2, activation="relu")(joined))


def one_input() -> Any:
    x = keras.Input((4,), name="x")
    trunk = K.Dense(3, activation="relu", name="trunk")(x)
    return keras.Model(x, [K.Dense(2, name="kind")(trunk), K.Dense(1, name="price")(trunk)])


MODELS = {
    trunk_and_heads: ("kind", "price"),
    inner_model_and_layer_in_between: ("inner", "inner_2", "dense", "mixed", "meta"),
    one_answer: (),
    one_input: ("kind", "price"),
}


def rows(model: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Three rows for each input."""
    drawn = {}
    for tensor in model.inputs:
        shape = (3, *tensor.shape[1:])
        whole = tensor.dtype == "int32"
        drawn[tensor.name] = rng.integers(0, 7, shape) if whole else rng.normal(size=shape).astype("float32")
    return drawn


def close(made: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(made), numpy(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_there_and_back_by_name(make: Any, rng: np.random.Generator, tmp_path: Path) -> None:
    model = stirred(make())
    network = bl.from_keras(model)
    x = rows(model, rng)
    several = len(x) > 1
    assert network.output_names == MODELS[make]
    assert network.input_names == (tuple(x) if several else ())
    expected = model(list(x.values()) if several else x["x"], training=False)
    made = network(x if several else x["x"])
    back = network.to_keras()
    returned = back(x if several else x["x"], training=False)
    for name, value in zip(network.output_names, expected, strict=True) if network.output_names else [("", expected)]:
        close(made[name] if name else made, value)
        close(returned[name] if name else returned, value)
    back.save(tmp_path / "m.keras")
    again = bl.from_keras(tmp_path / "m.keras")
    assert (again.input_names, again.output_names) == (network.input_names, network.output_names)
    one, two = again(x if several else x["x"]), made
    for name in network.output_names or [""]:
        close(one[name] if name else one, two[name] if name else two)


def test_what_it_becomes() -> None:
    """Regions that others don't lead into are one node each; merges are what a node makes of its inputs."""
    network = bl.from_keras(trunk_and_heads())
    nodes = {name: repr(layer) for name, layer in network.architecture.nodes}
    assert nodes == {
        "look": "Sequential(Conv2d(2, 3, padding='same'), "
        "Residual(Sequential(BatchNorm(momentum=0.01, epsilon=0.001), ReLU())), Flatten())",
        "read": "Sequential(Embedding(7, 2), GRU(3))",
        "trunk": "Sequential(Linear(4), Tanh(), Residual(Linear(4)))",
        "kind": "Sequential(Linear(3), Softmax())",
        "price": "Linear(1)",
    }
    assert network.architecture.combine == "concatenate"
    assert network.architecture.sources("trunk") == ["look", "meta", "read"]


def test_the_keys_of_a_models_own_dicts_are_the_names(rng: np.random.Generator) -> None:
    model = stirred(trunk_and_heads(as_dicts=True))
    network = bl.from_keras(model)
    x = rows(model, rng)
    assert set(network.input_names) == set(NAMES)
    assert network.output_names == ("which", "cost")
    made, expected = network(x), model(x, training=False)
    for name in network.output_names:
        close(made[name], expected[name])


def test_what_was_taken_over_trains_by_name(rng: np.random.Generator) -> None:
    x = {"a": rng.normal(size=(60, 3)).astype("float32"), "b": rng.normal(size=(60, 2)).astype("float32")}
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    both = K.Dense(8, activation="tanh")(K.Concatenate()([a, b]))
    network = bl.from_keras(keras.Model([a, b], [K.Dense(2, name="kind")(both), K.Dense(1, name="price")(both)]))
    y = {"kind": (x["a"][:, 0] > 0).astype(int), "price": x["b"][:, 0]}
    run = bl.fit(network, x, y, epochs=12, optimizer=bl.Adam(0.05), probes=None)
    assert run.history[-1]["loss"] < 0.6 * run.history[0]["loss"]


def test_ensembles_and_what_keras_cannot_say(rng: np.random.Generator) -> None:
    edges, ends = [("a", "k"), ("b", "k"), ("b", "p")], {"inputs": ("a", "b"), "outputs": ("k", "p")}
    members = [bl.Wired({"k": bl.Linear(2), "p": bl.Linear(1)}, edges, "mean", **ends) for _ in range(2)]
    both = bl.Parallel(*members, combine={"k": "mean", "p": "sum"}).build({"a": (3,), "b": (3,)})
    x = {name: rng.normal(size=(2, 3)).astype("float32") for name in "ab"}
    made, expected = both.to_keras()(x), both(x)
    for name in expected:
        close(expected[name], made[name])
    weighted = bl.Wired({"k": bl.Linear(2)}, [("a", "k"), ("b", "k")], "weighted", inputs=("a", "b"), outputs=("k",))
    with pytest.raises(bl.BacklitError, match="learned weights of edges have no counterpart in Keras"):
        weighted.build({"a": (3,), "b": (3,)}).to_keras()


def test_an_input_that_leads_nowhere_is_named() -> None:
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    with pytest.raises(bl.BacklitError, match="the input 'b' leads to no output: take it out"):
        bl.from_keras(keras.Model([a, b], [K.Dense(2)(a), K.Dense(1)(a)]))
