"""Pictures hold what they should."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import UnknownNameError
from tests.train.common import blobs, mlp


def test_learning_curves(tmp_path):
    x, y = blobs()
    run = bl.fit(mlp(), x, y, epochs=5, validation=0.3, early_stopping=2)
    figure = run.plot()
    assert [axis.get_title() for axis in figure.axes] == ["loss", "accuracy"]
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    np.testing.assert_array_equal(lines["training"], run.history["loss"])
    np.testing.assert_array_equal(lines["validation"], run.history["val_loss"])
    assert f"best: epoch {run.best_epoch}" in lines
    figure.savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_curves_of_an_empty_history():
    assert bl.plots.learning_curves([]).axes[0].get_title() == "loss"


def test_range_test_marks_the_suggestion():
    x, y = blobs()
    test = bl.lr_find(mlp(), x, y)
    axis = test.plot().axes[0]
    assert axis.get_xscale() == "log"
    marked = next(line for line in axis.lines if line.get_label().startswith("suggested"))
    assert marked.get_xdata()[0] == test.suggestion


def test_activations_with_their_derivatives():
    figure = bl.plots.activations(["sigmoid", "step"])
    sigmoid, step = figure.axes[:2]
    x, slope = next(line for line in sigmoid.lines if line.get_label() == "derivative").get_data()
    np.testing.assert_allclose(slope, np.exp(-x) / (1 + np.exp(-x)) ** 2, rtol=1e-9)
    assert (next(line for line in step.lines if line.get_label() == "derivative").get_ydata() == 0).all()
    assert len(bl.plots.activations().axes) >= 12
    with pytest.raises(UnknownNameError, match="did you mean 'sigmoid'"):
        bl.plots.activations(["sigmod"])
