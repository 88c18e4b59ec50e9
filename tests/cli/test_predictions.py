"""The columns that `predict` adds."""

from __future__ import annotations

import numpy as np
import pytest

import backlit as bl
from backlit.cli import predict


def test_many_classes_get_one_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column for each of 1,500 classes made hundreds of megabytes of one."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 2)), np.array(["a", "b", "c"] * 20)
    run = bl.fit(bl.Linear(3), x, y, epochs=2, engine="numpy")
    each = predict.predictions(run, x, 0.9)
    assert list(each) == ["prediction", "probability_a", "probability_b", "probability_c"]
    monkeypatch.setattr(predict, "MANY", 2)
    few = predict.predictions(run, x, 0.9)
    assert list(few) == ["prediction", "probability"]
    assert few["prediction"] == each["prediction"]
    own = [each[f"probability_{name}"][row] for row, name in enumerate(each["prediction"])]
    assert few["probability"] == own
