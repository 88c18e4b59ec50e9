"""Faults outside the usual ones, mended from end to end: found, remedied, and better on rows that nobody saw."""

import numpy as np
import pytest

import backlit as bl

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 4)).astype("float32")
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
S = X[:, 0] - X[:, 1] * X[:, 2]
CLASSES = bl.Sequential(bl.Linear(16), bl.Tanh(), bl.Linear(2))
NUMBER = bl.Sequential(bl.Linear(16), bl.Tanh(), bl.Linear(1))

SICK = {
    "clipping": (
        lambda: (CLASSES, X, Y, {"optimizer": bl.SGD(0.3), "clip": 1e-4}), "clipped",
    ),
    "momentum": (
        lambda: (NUMBER, X, S, {"optimizer": bl.SGD(0.05, momentum=0.999)}), "momentum 0.999 → 0.9",
    ),
    "a schedule that dies": (
        lambda: (NUMBER, X, S, {"optimizer": bl.Adam(0.02), "schedule": "exponential:0.1"}), "learning rate",
    ),
    "tiny targets": (
        lambda: (NUMBER, X, S * 1e-3, {"optimizer": bl.Adam(0.02)}), "targets standardised",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SICK)
def test_it_is_mended(name: str) -> None:
    make, words = SICK[name]
    network, x, y, options = make()
    run = bl.fit(network, x[:180], y[:180], validation=0.25, engine="numpy", epochs=20, **options)
    repair = run.fix(rounds=1, suit=name != "momentum")  # which its own remedies mend, and others, too
    assert any(words in own.change for own in repair.kept), str(repair)
    assert repair.length <= 20
    before, after = (own.evaluate(x[180:], y[180:])["loss"] for own in (run, repair.run))  # rows that nobody saw
    if repair.run.settings.get("standardize_targets"):
        before, after = (np.square(own.predict(x[180:]).ravel() - y[180:]).mean() for own in (run, repair.run))
    assert after < before
