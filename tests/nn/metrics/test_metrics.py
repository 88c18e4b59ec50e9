"""Metrics against scikit-learn, with weights and ties; what happens at the edges; names and mistakes."""

import json
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from backlit.errors import InputError, ShapeError, UnknownNameError
from backlit.nn import metrics

N = 200
CLASSIFICATION = ["accuracy", "balanced_accuracy", "f1", "auc", "log_loss"]
REGRESSION = ["rmse", "mae", "r2"]


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.fixture(params=[False, True], ids=["unweighted", "weighted"])
def weights(request, rng):
    if not request.param:
        return None
    weights = rng.random(N) * 3
    weights[::7] = 0.0
    return weights


@pytest.fixture(params=[False, True], ids=["distinct", "ties"])
def tied(request):
    """Rounded outputs: many equal ones, which are no class's argmax alone."""
    return (lambda z: np.round(z)) if request.param else (lambda z: z)


def by_sklearn(name, z, y, w):
    predicted = z.argmax(axis=1)
    if name == "auc":
        return sk.roc_auc_score(y, softmax(z), multi_class="ovr", sample_weight=w)
    if name == "log_loss":
        return sk.log_loss(y, softmax(z), sample_weight=w, labels=np.arange(z.shape[1]))
    scores = {"accuracy": sk.accuracy_score, "balanced_accuracy": sk.balanced_accuracy_score}
    if name in scores:
        return scores[name](y, predicted, sample_weight=w)
    return sk.f1_score(y, predicted, average="macro", sample_weight=w)


@pytest.mark.parametrize("name", CLASSIFICATION)
@pytest.mark.parametrize("shape", [(N,), (N, 1)])
def test_classes(name, shape, weights, tied, rng):
    z, y = tied(rng.normal(size=(N, 4)) * 2), rng.integers(0, 4, N)
    ours = metrics.get(name)(z, y.reshape(shape), weights)
    assert type(ours) is float
    assert ours == pytest.approx(by_sklearn(name, z, y, weights), rel=1e-12)
    assert metrics.get(name)(z.astype("float32"), y, weights) == pytest.approx(ours, rel=1e-5)


def by_sklearn_binary(name, z, y, w):
    scores = {"accuracy": sk.accuracy_score, "balanced_accuracy": sk.balanced_accuracy_score, "f1": sk.f1_score}
    if name in scores:
        return scores[name](y, z > 0, sample_weight=w)
    if name == "auc":
        return sk.roc_auc_score(y, z, sample_weight=w)
    return sk.log_loss(y, sigmoid(z), sample_weight=w)


@pytest.mark.parametrize("name", CLASSIFICATION)
@pytest.mark.parametrize("outputs", ["(n,)", "(n, 1)", "two logits"])
@pytest.mark.parametrize("target_type", [np.int32, np.float32, bool])
def test_two_classes(name, outputs, target_type, weights, tied, rng):
    z, y = tied(rng.normal(size=N) * 2), rng.integers(0, 2, N).astype(target_type)
    expected = by_sklearn_binary(name, z, y, weights)
    if outputs == "two logits":
        first = tied(rng.normal(size=N))
        assert metrics.get(name)(np.stack([first, first + z], axis=1), y, weights) == pytest.approx(expected, rel=1e-12)
        return
    shape = (N,) if outputs == "(n,)" else (N, 1)
    for target_shape in ((N,), (N, 1)):
        assert metrics.get(name)(z.reshape(shape), y.reshape(target_shape), weights) == pytest.approx(
            expected, rel=1e-12
        )


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_labels(name, weights, tied, rng):
    z, y = tied(rng.normal(size=(N, 3))), (rng.random((N, 3)) < 0.4).astype("float32")
    ours = metrics.get(name)(z, y, weights)
    if name == "accuracy":
        expected = sk.accuracy_score(y, z > 0, sample_weight=weights)
    elif name == "f1":
        expected = sk.f1_score(y, z > 0, average="macro", sample_weight=weights)
    elif name == "auc":
        expected = sk.roc_auc_score(y, z, average="macro", sample_weight=weights)
    else:  # scikit-learn has no such figure for labels: the mean of each label's own
        expected = np.mean([by_sklearn_binary(name, z[:, k], y[:, k], weights) for k in range(3)])
    assert ours == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_top_k(k, weights, tied, rng):
    z, y = tied(rng.normal(size=(N, 7))), rng.integers(0, 7, N)
    expected = sk.top_k_accuracy_score(y, z, k=k, sample_weight=weights, labels=np.arange(7))
    assert metrics.TopK(k=k)(z, y, weights) == pytest.approx(expected, rel=1e-12)


def test_top_k_of_few_classes(rng):
    assert metrics.TopK(k=5)(rng.normal(size=(N, 3)), rng.integers(0, 3, N)) == 1.0
    z, y = rng.normal(size=(N, 3)), rng.integers(0, 3, N)
    assert metrics.TopK(k=1)(z, y) == metrics.Accuracy()(z, y)


@pytest.mark.parametrize("name", REGRESSION)
@pytest.mark.parametrize("k", [None, 1, 3])
def test_numbers(name, k, weights, rng):
    y = rng.normal(size=(N, k) if k else N) * 5 + 2
    z = y + rng.normal(size=y.shape)
    theirs = {"rmse": sk.root_mean_squared_error, "mae": sk.mean_absolute_error, "r2": sk.r2_score}[name]
    expected = theirs(y, z, sample_weight=weights)
    assert metrics.get(name)(z, y, weights) == pytest.approx(expected, rel=1e-12)
    if k == 1:
        assert metrics.get(name)(z[:, 0], y, weights) == pytest.approx(expected, rel=1e-12)
    if k == 3:
        assert metrics.get(name)(z.reshape(N, 3, 1), y.reshape(N, 3, 1), weights) == pytest.approx(expected, rel=1e-12)


def test_float32_is_summed_in_float64(rng):
    z, y = (rng.normal(size=(N, 2)) + 1000).astype("float32"), (rng.normal(size=(N, 2)) + 1000).astype("float32")
    for name in REGRESSION:
        assert metrics.get(name)(z, y) == pytest.approx(metrics.get(name)(z.astype(float), y.astype(float)), rel=1e-14)


@given(st.lists(st.tuples(st.integers(-2, 2), st.booleans(), st.integers(0, 3)), min_size=1, max_size=12))
def test_area_counts_pairs(rows):
    """Against the definition: pairs of a positive and a negative row, ties half."""
    scores, positive, weights = (np.array(column) for column in zip(*rows, strict=True))
    found = total = 0.0
    for a in np.flatnonzero(positive):
        for b in np.flatnonzero(~positive):
            pair = float(weights[a] * weights[b])
            total += pair
            found += pair * (1.0 if scores[a] > scores[b] else 0.5 if scores[a] == scores[b] else 0.0)
    ours = metrics.AUC()(scores.astype(float), positive, weights.astype(float))
    assert np.isnan(ours) if total == 0 else ours == pytest.approx(found / total, rel=1e-12)


# ------------------------------------------------------------------------------------------------ edges

ALL = [metrics.get(name) for name in metrics.METRICS]


def data(metric, n):
    rng = np.random.default_rng(n)
    if metric.kinds == ("number",):
        return rng.normal(size=(n, 2)), rng.normal(size=(n, 2))
    return rng.normal(size=(n, 9)), rng.integers(0, 9, n)


@pytest.mark.parametrize("metric", ALL, ids=lambda m: m.name)
def test_nothing_to_measure(metric):
    z, y = data(metric, 5)
    assert np.isnan(metric(z, y, np.zeros(5)))
    assert np.isnan(metric(z[:0], y[:0]))


@pytest.mark.parametrize("metric", ALL, ids=lambda m: m.name)
def test_rows_without_weight_are_not_there(metric):
    z, y = data(metric, 40)
    weights = np.where(np.arange(40) < 15, 2.0, 0.0)
    assert metric(z, y, weights) == pytest.approx(metric(z[:15], y[:15]), rel=1e-12)


@pytest.mark.parametrize("metric", ALL, ids=lambda m: m.name)
def test_weight_two_is_a_row_twice(metric):
    z, y = data(metric, 30)
    weights = np.random.default_rng(0).integers(0, 3, 30)
    repeated = np.repeat(np.arange(30), weights)
    assert metric(z, y, weights) == pytest.approx(metric(z[repeated], y[repeated]), rel=1e-12)


def test_one_class_only():
    z = np.array([1.0, -1.0, 2.0])
    for y, f1 in ((np.ones(3), 0.8), (np.zeros(3), 0.0)):
        assert np.isnan(metrics.AUC()(z, y))
        assert metrics.F1()(z, y) == pytest.approx(f1)
        assert metrics.BalancedAccuracy()(z, y) == metrics.Accuracy()(z, y)
    assert metrics.F1()(-np.ones(3), np.zeros(3)) == 0.0  # neither predicted nor there
    assert np.isnan(metrics.AUC()(np.ones((3, 4)), [2, 2, 2]))


def test_missing_classes(rng):
    """Of five classes two never come: not in balanced accuracy and AUC; in F1 if they are predicted."""
    y = rng.choice([0, 2, 4], N)
    z = rng.normal(size=(N, 5))
    predicted = z.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert metrics.BalancedAccuracy()(z, y) == pytest.approx(sk.balanced_accuracy_score(y, predicted))
    assert metrics.F1()(z, y) == pytest.approx(sk.f1_score(y, predicted, average="macro"))
    z[:, 3] = -100.0
    assert metrics.F1()(z, y) == pytest.approx(sk.f1_score(y, z.argmax(axis=1), average="macro"))
    p = softmax(z)
    assert metrics.AUC()(z, y) == pytest.approx(np.mean([sk.roc_auc_score(y == k, p[:, k]) for k in (0, 2, 4)]))


def test_labels_that_never_come(rng):
    z, y = rng.normal(size=(N, 3)), rng.random((N, 3)) < 0.5
    y[:, 1] = False
    assert metrics.AUC()(z, y) == pytest.approx(np.mean([sk.roc_auc_score(y[:, k], z[:, k]) for k in (0, 2)]))
    z[:, 1] = -1.0
    expected = sk.f1_score(y, z > 0, average="macro", zero_division=0.0)
    assert metrics.F1()(z, y) == pytest.approx(expected)


def test_r2_of_constant_targets():
    assert metrics.R2()(np.full(3, 2.0), np.full(3, 2.0)) == 1.0
    assert metrics.R2()(np.array([1.0, 2.0, 3.0]), np.full(3, 2.0)) == 0.0
    both = np.array([[2.0, 1.0], [2.0, 2.0]])
    assert metrics.R2()(both, both) == sk.r2_score(both, both) == 1.0
    assert np.isnan(metrics.R2()(np.ones(1), np.ones(1)))
    assert np.isnan(metrics.R2()(np.ones(3), np.ones(3), [0.0, 1.0, 0.0]))


@pytest.mark.parametrize("size", [1e4, 1e30])
def test_log_loss_of_extreme_logits(size):
    assert metrics.LogLoss()(np.array([[size, -size], [-size, size]]), [0, 0]) == pytest.approx(size)
    assert metrics.LogLoss()(np.array([size, -size]), [0, 0]) == pytest.approx(size / 2)
    assert metrics.LogLoss()(np.array([-size, size]), [0, 1]) == 0.0


def test_probability_targets(rng):
    z, soft = rng.normal(size=(N, 3)), softmax(rng.normal(size=(N, 3)))
    hard = soft.argmax(axis=1)
    for name in ("accuracy", "balanced_accuracy", "f1", "auc", "top_2"):
        assert metrics.get(name)(z, soft) == metrics.get(name)(z, hard)
    expected = -(soft * np.log(softmax(z))).sum(axis=1).mean()
    assert metrics.LogLoss()(z, soft) == pytest.approx(expected, rel=1e-12)
    one_hot = np.eye(3)[hard]  # looks like labels, but the loss knows better
    assert metrics.get("accuracy", SimpleNamespace(target="probability"))(z, one_hot) == metrics.Accuracy()(z, hard)
    assert metrics.LogLoss("probability")(z, one_hot) == pytest.approx(metrics.LogLoss()(z, hard), rel=1e-12)


# ------------------------------------------------------------------------------------------------ names


def test_names_and_directions():
    assert {metric.name: metric.direction for metric in ALL} == {
        "accuracy": "max", "balanced_accuracy": "max", "top_5": "max", "f1": "max", "auc": "max", "log_loss": "min",
        "rmse": "min", "mae": "min", "r2": "max", "sequence_accuracy": "max", "perplexity": "min", "bits": "min",
    }  # fmt: skip
    for metric in ALL:
        assert metrics.get(metric.name) == metric
    assert metrics.get("top_3") == metrics.TopK(k=3)
    json.dumps([metric.name for metric in ALL])


def test_others_pass_through():
    mine = lambda outputs, targets, weights: 1.0
    assert metrics.get(mine) is mine
    assert metrics.get(mine, SimpleNamespace(target="class")) is mine
    metric = metrics.TopK(k=2)
    assert metrics.get(metric) is metric
    assert metrics.get(metric, SimpleNamespace(target="class")) == metrics.TopK("class", 2)


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("class", ["accuracy"]), ("binary", ["accuracy"]), ("multi_label", ["accuracy"]), ("probability", ["accuracy"]),
        ("number", ["rmse", "r2"]), (None, []),
    ],
)  # fmt: skip
def test_defaults(target, names):
    chosen = metrics.defaults(SimpleNamespace(target=target))
    assert [metric.name for metric in chosen] == names
    assert {metric.kind for metric in chosen} <= {target}
    assert metrics.defaults(lambda output, target: 0) == []


def test_a_metric_of_ones_own():
    class Positive(metrics.Metric):
        name = "positive"

        def measure(self, rows):
            return rows.mean(rows.outputs > 0)

    class Unfinished(metrics.Metric):
        name = "unfinished"

    assert Positive()([1.0, -1.0, 2.0, -2.0], [0, 0, 1, 1], [3.0, 1.0, 0.0, 0.0]) == 0.75
    with pytest.raises(NotImplementedError, match=r"Unfinished must define measure\(self, rows\)"):
        Unfinished()([1.0], [1])


def test_wrong_names():
    with pytest.raises(
        UnknownNameError, match=r"unknown metric 'acuracy'; did you mean 'accuracy'\? Known: accuracy, auc"
    ):
        metrics.get("acuracy")
    with pytest.raises(UnknownNameError, match=r"unknown metric 'top_0'"):
        metrics.get("top_0")
    for wrong in (3, metrics.Accuracy):
        with pytest.raises(
            InputError, match=r"a metric must be a name or a function of \(outputs, targets, weights\), got"
        ):
            metrics.get(wrong)
    with pytest.raises(InputError, match=r"accuracy doesn't fit 'number' targets, which .* these do: rmse, mae, r2"):
        metrics.get("accuracy", SimpleNamespace(target="number"))
    with pytest.raises(
        InputError, match=r"r2 doesn't fit 'class' targets.*these do: accuracy, balanced_accuracy, top_k,"
    ):
        metrics.get("r2", SimpleNamespace(target="class"))
    for k in (0, 2.5, True):
        with pytest.raises(InputError, match=r"TopK: k must be a whole number of at least 1, got"):
            metrics.TopK(k=k)


def test_wrong_arrays():
    z = np.zeros((4, 3))
    with pytest.raises(ShapeError, match=r"accuracy: needs one target a row, got outputs \(4, 3\) and targets \(3,\)"):
        metrics.Accuracy()(z, np.zeros(3, int))
    with pytest.raises(ShapeError, match=r"rmse: needs one target a row, got outputs \(\) and targets \(\)"):
        metrics.RMSE()(1.0, 1.0)
    with pytest.raises(ShapeError, match=r"accuracy: weights must have shape \(4,\), one a row, got \(3,\)"):
        metrics.Accuracy()(z, np.zeros(4, int), np.ones(3))
    with pytest.raises(ShapeError, match=r"accuracy: targets of shape \(4, 2\) don't fit outputs of shape \(4, 3\)"):
        metrics.Accuracy()(z, np.zeros((4, 2)))
    with pytest.raises(ShapeError, match=r"rmse: targets of shape \(4,\) don't fit outputs of shape \(4, 3\)"):
        metrics.RMSE()(z, np.zeros(4))
    with pytest.raises(ShapeError, match=r"f1: targets of shape \(4,\) don't fit outputs of shape \(4, 3\)"):
        metrics.F1("binary")(z, np.zeros(4))
    with pytest.raises(
        InputError, match=r"accuracy: targets must be whole numbers from 0 to 2, got values from 0 to 3"
    ):
        metrics.Accuracy()(z, np.array([0, 1, 2, 3]))
    with pytest.raises(
        InputError, match=r"accuracy: targets must be whole numbers from 0 to 2, got values from -1 to 1"
    ):
        metrics.Accuracy()(z, np.array([0, 1, -1, 1]))
    with pytest.raises(
        InputError, match=r"accuracy: targets must be whole numbers from 0 to 2, got values from 0.5 to 1.0"
    ):
        metrics.Accuracy()(z, np.array([0.5, 1, 1, 1]))
    with pytest.raises(InputError, match=r"auc: targets must be 0 or 1, got values from 0 to 3"):
        metrics.AUC()(z[:, 0], np.array([0, 1, 2, 3]))
    with pytest.raises(InputError, match=r"top_5 measures class or probability targets, not 'binary'"):
        metrics.TopK()(z[:, 0], np.zeros(4))
