"""Calibration error by hand, and a temperature that mends overconfidence."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

import backlit as bl
from backlit.errors import InputError
from backlit.tasks.judge.calibration import calibrated, reliability


def test_calibration_error_by_hand():
    found = reliability(np.array([0.95, 0.91, 0.55, 1.0]), np.array([True, False, True, True]))
    # bins: 0.5-0.6: |1 - 0.55|·1/4; 0.9-1: |2/3 - 0.9533|·3/4
    assert found["error"] == pytest.approx(0.45 / 4 + abs(2 / 3 - 2.86 / 3) * 3 / 4)
    assert [b["rows"] for b in found["bins"]] == [1, 3]


def test_honest_probabilities_have_no_error():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1, 200_000)
    assert reliability(p, rng.random(200_000) < p)["error"] < 0.005


@pytest.fixture
def overconfident():
    """A linear classifier whose logits are three times too large, and fresh rows."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4000, 3))
    true = x @ rng.normal(size=(3, 3))
    y = np.array([rng.choice(3, p=row) for row in softmax(true, axis=1)])
    run = bl.fit(bl.Linear(3), x[:2000], y[:2000], epochs=300, batch_size=None, optimizer=bl.Adam(0.1))
    params = {name: 3 * value for name, value in run.network.params.items()}
    run.network = run.network.replace(params=params)
    return run, x[2000:], y[2000:]


def test_a_temperature_mends_overconfidence(overconfident, tmp_path):
    run, x, y = overconfident
    before = reliability(run.predict_proba(x).max(axis=1), run.predict(x) == y)["error"]
    network, temperature = calibrated(run, x[:1000], y[:1000])
    assert temperature == pytest.approx(3, rel=0.15)
    predicted = run.predict(x)
    scores = run.evaluate(x[1000:], y[1000:])
    run.network = network
    after = reliability(run.predict_proba(x).max(axis=1), run.predict(x) == y)["error"]
    assert after < before / 4
    np.testing.assert_array_equal(run.predict(x), predicted)
    assert run.evaluate(x[1000:], y[1000:])["loss"] < scores["loss"]
    same = bl.load(run.save(tmp_path / "run"))
    np.testing.assert_array_equal(same.predict_proba(x), run.predict_proba(x))


def test_the_temperature_is_the_best_there_is(overconfident):
    run, x, y = overconfident
    _, temperature = calibrated(run, x, y)
    outputs = run.outputs(x).astype(float)
    losses = [
        -log_softmax(outputs / t, axis=1)[np.arange(len(y)), y].mean() for t in (temperature * np.array([0.9, 1, 1.1]))
    ]
    assert losses[1] < min(losses[0], losses[2])


def test_numbers_have_no_probabilities():
    run = bl.fit(bl.Linear(1), np.eye(3), np.arange(3.0), epochs=1)
    with pytest.raises(InputError, match="only classifiers trained with cross entropy"):
        calibrated(run, np.eye(3), np.arange(3.0))
    with pytest.raises(InputError, match="no held-out residuals"):
        run.predict_interval(np.eye(3))
