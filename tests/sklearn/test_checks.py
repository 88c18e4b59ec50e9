"""Every check that scikit-learn has for estimators, with none expected to fail."""

import os
import subprocess
import sys

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

import backlit as bl
from backlit.sklearn import NeuralClassifier, NeuralRegressor

QUICK = {"engine": "numpy"}
ESTIMATORS = [
    NeuralClassifier(**QUICK),
    NeuralRegressor(**QUICK),
    NeuralClassifier((16, 8), loss="hinge", optimizer=bl.Momentum(0.1), l2=1e-4, probes=None, epochs=40, **QUICK),
    NeuralClassifier("linear", learning_rate=0.1, batch_size="full", l2=1e-3, dtype="float64", **QUICK),
    NeuralRegressor("mlp:16", activation="tanh", learning_rate=0.01, ensemble=2, epochs=30, probes=None, **QUICK),
    NeuralRegressor("linear", optimizer="least_squares", standardize_targets=False, **QUICK),
]


def test_none_is_left_out_of_scikit_learns_checks():
    names = {check.func.__name__ for _, check in estimator_checks_generator(ESTIMATORS[0])}
    assert {
        "check_sample_weight_equivalence_on_sparse_data",
        "check_classifiers_multilabel_output_format_predict",
    } < names
    assert len(names) > 55


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*DataConversion:Warning", "ignore:Skipping check check_array_api_input")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([NeuralClassifier(), NeuralRegressor()])
def test_scikit_learns_checks_of_the_compiled_engine(estimator, check):
    check(estimator)


@pytest.mark.slow
def test_array_api_dispatch_changes_nothing():
    """SciPy decides about it at import: in this process the check is skipped."""
    code = (
        "from functools import partial\n"
        "from sklearn.utils.estimator_checks import estimator_checks_generator\n"
        "from backlit.sklearn import NeuralClassifier, NeuralRegressor\n"
        "done = 0\n"
        "for kind in (NeuralClassifier, NeuralRegressor):\n"
        "    for estimator, check in estimator_checks_generator(kind(engine='numpy', epochs=20)):\n"
        "        if 'array_api' in str(check):\n"
        "            check(estimator)\n"
        "            done += 1\n"
        "print(done)\n"
    )
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 2
