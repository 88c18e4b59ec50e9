"""Output activation, initialiser and DropConnect of a job, and penalties: what they make, and what doesn't fit."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import InputError
from backlit.tasks.dataset import DatasetTask
from backlit.tasks.options import Options
from backlit.tasks.outputs import loss_for

QUICK = {"epochs": 3, "network": "mlp:6", "ensemble": 1, "progress": False, "engine": "numpy", "probes": None}


def planned(name, **options):
    task = DatasetTask()
    material = task.read(name)
    options = Options(**options)
    rows = task.split(material, options.split, 0)[0].train
    return task.plan(material, rows, task.prepare(material, rows), options)


@pytest.fixture(scope="module")
def shares():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 60))
    return {"a": a, "b": b, "share": 1 / (1 + np.exp(-a - b)), "kind": np.where(a > b, "yes", "no")}


def test_numbers_stay_in_the_activations_range(shares):
    table = {name: shares[name] for name in ("a", "b", "share")}
    run = bl.fit(table, target="share", output_activation="sigmoid", **QUICK)
    assert isinstance(run.network.architecture.layers[-1], bl.Sigmoid)
    far = {"a": [-1e3, 1e3], "b": [-1e3, 1e3]}
    assert ((run.predict(far) >= 0) & (run.predict(far) <= 1)).all()
    np.testing.assert_allclose(run.predict(table), run.outputs(table)[:, 0])  # not standardised


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_targets_out_of_its_range_are_refused(shares, activation):
    table = {"a": shares["a"], "y": shares["share"] + 3}
    with pytest.raises(InputError) as told:
        bl.fit(table, target="y", output_activation=activation, **QUICK)
    assert "but the target's go from 3.0" in str(told.value)


def test_a_network_of_probabilities_learns_by_their_logarithm(shares):
    table = {name: shares[name] for name in ("a", "b", "kind")}
    by_layer = bl.fit(table, target="kind", output_activation="softmax", **QUICK)
    by_loss = bl.fit(table, target="kind", **QUICK)
    np.testing.assert_allclose(by_layer.history["loss"], by_loss.history["loss"], rtol=1e-5)
    np.testing.assert_allclose(by_layer.predict_proba(table), by_loss.predict_proba(table), atol=1e-5)
    np.testing.assert_allclose(by_layer.outputs(table).sum(axis=1), 1, atol=1e-6)


def test_losses_by_task_and_activation():
    assert loss_for("classification", None, "sigmoid", 2) == bl.BinaryCrossEntropy()
    assert loss_for("multi_label", None, "sigmoid", 0) == bl.BinaryCrossEntropy(multi_label=True)
    assert loss_for("classification", "hinge", "tanh", 3) == bl.Hinge()
    assert loss_for("regression", "huber", "softplus", 0) == bl.Huber()
    for task, loss, activation, classes, message in [
        ("classification", "cross_entropy", "softmax", 3, "has the softmax inside"),
        ("classification", None, "tanh", 3, "choose softmax"),
        ("classification", None, "sigmoid", 3, "choose softmax"),
        ("classification", None, "relu", 2, "choose softmax or sigmoid"),
        ("classification", None, "softmx", 2, "did you mean 'softmax'"),
    ]:
        with pytest.raises(InputError) as told:
            loss_for(task, loss, activation, classes)
        assert message in str(told.value)


def test_all_weights_start_by_one_initialiser():
    plan = planned("iris", network="mlp:8,4", initializer="he_normal", activation="relu", dropout=0.0)
    assert plan.network == bl.Sequential(
        bl.Linear(8, weight_init="he_normal"), bl.ReLU(), bl.Linear(4, weight_init="he_normal"), bl.ReLU(),
        bl.Linear(3, weight_init="he_normal"),
    )  # fmt: skip
    weight = bl.Linear(2000, weight_init="he_normal").build((400,)).params["weight"]
    assert weight.std() == pytest.approx(np.sqrt(2 / 400), rel=0.01)
    with pytest.raises(InputError, match="did you mean 'he_normal'"):
        planned("iris", initializer="he_norml")
    assert planned("digits", network="cnn:4", initializer="zeros").network.build((64,)).params["1"]["weight"].any() == 0


def test_connections_are_dropped_in_all_dense_layers_but_the_last():
    plan = planned("iris", network="mlp:8,4", dropconnect=0.3, dropout=0.0, activation="relu")
    dropped = [layer for layer in plan.network.layers if isinstance(layer, bl.DropConnect)]
    assert [(layer.units, layer.rate) for layer in dropped] == [(8, 0.3), (4, 0.3)]
    assert type(plan.network.layers[-1]) is bl.Linear
    with pytest.raises(InputError, match="no dense layer before its last"):
        planned("iris", network="linear", dropconnect=0.3)


def test_penalties():
    assert planned("iris", l1=0.1).penalty == bl.L1(0.1)
    assert planned("iris", l2=0.1).penalty == bl.L2(0.1)
    assert planned("iris", l1=0.1, l2=0.2).penalty == bl.Elastic(0.1, 0.2)


def test_what_suits_an_optimizer_of_all_rows_and_one_that_solves():
    plan = planned("diabetes", optimizer="lbfgs")
    assert (plan.batch_size, plan.rate, plan.dropout) == (None, 1.0, 0.0)
    assert "all rows at once" in plan.describe()
    plan = planned("diabetes", optimizer="least_squares")
    assert (plan.spec, plan.epochs, plan.patience) == ("linear", 1, 0)
    assert plan.describe() == "linear, LeastSquares(), the minimum in closed form"
    with pytest.raises(InputError, match="takes no learning rate"):
        planned("diabetes", optimizer="least_squares", learning_rate=0.1)
    plan = planned("diabetes", batch_size="full", schedule="cosine")
    assert plan.batch_size is None
    with pytest.raises(InputError, match="batch_size must be a whole number of at least 1, or 'full', got 'all'"):
        Options(batch_size="all")
