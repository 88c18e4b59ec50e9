"""Keras' callback: the network is the same, the training is left as it is, findings are in Keras' code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.watching.keras import network_of
from tests.watching.common import classes

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # Keras' own
L = keras.layers
X, Y = (part.numpy() for part in classes(320))


def model(*layers: Any, loss: Any = "sparse_categorical_crossentropy", rate: float = 0.01, shape: Any = (8,)) -> Any:
    keras.utils.set_random_seed(0)
    made = keras.Sequential([keras.Input(shape), *layers])
    made.compile(optimizer=keras.optimizers.Adam(rate), loss=loss, metrics=["accuracy"])
    return made


def watched(made: Any, epochs: int = 5) -> Any:
    eye = bl.KerasWatch(X[:240], Y[:240], validation=(X[240:], Y[240:]))
    made.fit(X[:240], Y[:240], epochs=epochs, validation_data=(X[240:], Y[240:]), callbacks=[eye], verbose=0)
    return eye


def test_the_network_is_that_of_keras_up_to_what_the_loss_applies() -> None:
    made = model(L.Dense(6, activation="tanh"), L.Dense(3, activation="softmax"))
    scores = np.asarray(network_of(made, "Softmax")(X[:5]))
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert shares == pytest.approx(np.asarray(made(X[:5])), abs=1e-5)


@pytest.mark.slow
def test_kerass_training_is_seen_and_left_as_it_is(tmp_path: Any) -> None:
    layers = lambda: [L.Dense(16, activation="relu"), L.Dropout(0.1), L.Dense(3, activation="softmax")]
    alone = model(*layers())
    alone.fit(X[:240], Y[:240], epochs=5, validation_data=(X[240:], Y[240:]), verbose=0)
    made = model(*layers())
    eye = watched(made)
    assert all(np.array_equal(a, b) for a, b in zip(alone.get_weights(), made.get_weights(), strict=True))
    assert len(eye.history) == 5
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= eye.history[-1].keys()
    assert [look["epoch"] for look in eye.probes] == [1, 2, 4, 5]
    assert not eye.diagnose().alarms
    assert "<svg" in eye.report(tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_findings_are_in_keras_code() -> None:
    scores = keras.losses.SparseCategoricalCrossentropy(from_logits=True, name="sparse_categorical_crossentropy")
    found = watched(model(L.Dense(16, activation="relu"), L.Dense(3, activation="softmax"), loss=scores)).diagnose()
    assert found[0].name == "softmax twice"
    assert found[0].remedy.startswith("keras.layers.Dense(outputs)")
    zeros = watched(model(L.Dense(16, activation="relu", kernel_initializer="zeros"), L.Dense(3, activation="softmax")))
    assert zeros.diagnose()[0].name == "zero initialisation"


def test_what_cannot_be_watched_is_told() -> None:
    with pytest.raises(bl.InputError, match="knows the losses"):
        watched(model(L.Dense(1), loss="poisson"))
    with pytest.raises(bl.InputError, match="no epoch was seen"):
        bl.KerasWatch(X, Y).diagnose()
    with pytest.raises(bl.InputError, match=r"callbacks=\[bl.KerasWatch"):
        bl.watch(model(L.Dense(3)))
