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


@pytest.mark.parametrize("words", [["predict"], ["evaluate"], ["importance"], ["show", "--row"]])
def test_runs_of_several_inputs_are_for_python(words, tmp_path, command):
    rows = {"a": [[1.0], [2.0]], "b": [[0.5], [1.5]]}
    net = bl.Wired({"end": bl.Linear(1)}, [("a", "end"), ("b", "end")], combine="sum", inputs=("a", "b"))
    folder = bl.fit(net, rows, [1.0, 2.0], epochs=1, engine="numpy", progress=False).save(tmp_path / "run")
    (tmp_path / "t.csv").write_text("a,b,y\n1,2,0\n", encoding="utf-8")
    status, _, said = command(words[0], folder, *words[1:], "1,2" if "--row" in words else tmp_path / "t.csv")
    assert status == 2
    assert "several inputs or outputs by name (a, b), which no file has: use it in Python" in said
